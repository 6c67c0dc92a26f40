/** The parser of `http_server.ts`: what it takes, what it refuses, and that cuts make no difference. */
import { assertEquals, assertLess } from "@std/assert";
import { threadMs } from "../lib/cpu_time.ts";
import { law } from "../lib/law.ts";
import { seeded } from "../lib/sockets.ts";
import { bytesOf, cutsOf, malformed, parsed, SEEDS, SMALL_LIMITS } from "./http_messages.ts";

const HOST = "Host: a\r\n";
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

law("RequestParser takes requests one behind the other, wherever they are cut", () => {
  const all = bytesOf(SEEDS.join(""));
  const whole = parsed(all);
  assertEquals(whole, {
    requests: [
      "GET /: ",
      "GET http://a:80/b?c: ",
      "HEAD /%41: ",
      "POST /echo: hello",
      "POST /echo: hello",
      "PUT /f: a\r\n",
      "OPTIONS *: !",
    ],
    status: null,
  });
  for (let cut = 0; cut <= all.length; cut++) assertEquals(parsed(all, [cut]), whole);
  assertEquals(parsed(all, all.keys()), whole);
});

const REFUSED: readonly [status: number, what: string, text: string][] = [
  [400, "a bare LF behind the request line", `GET / HTTP/1.1\n${HOST}\r\n`],
  [400, "a bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n"],
  [400, "a bare CR in a field", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"],
  [400, "CR CR LF", `GET / HTTP/1.1\r\r\n${HOST}\r\n`],
  [400, "a NUL in a field", "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"],
  [400, "a DEL in a field", `GET / HTTP/1.1\r\n${HOST}X: \x7f\r\n\r\n`],
  [400, "a tab in the request line", `GET\t/ HTTP/1.1\r\n${HOST}\r\n`],
  [400, "two blanks in the request line", `GET  / HTTP/1.1\r\n${HOST}\r\n`],
  [400, "a blank behind the version", `GET / HTTP/1.1 \r\n${HOST}\r\n`],
  [400, "a blank before the method", ` GET / HTTP/1.1\r\n${HOST}\r\n`],
  [400, "HTTP/0.9", "GET /\r\n\r\n"],
  [400, "a version in lower case", `GET / http/1.1\r\n${HOST}\r\n`],
  [400, "HTTP/1.10", `GET / HTTP/1.10\r\n${HOST}\r\n`],
  [400, "a byte over 127 in the target", `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`],
  [400, "a fragment", `GET /#a HTTP/1.1\r\n${HOST}\r\n`],
  [400, "a target without a slash", `GET a HTTP/1.1\r\n${HOST}\r\n`],
  [400, "an asterisk without OPTIONS", `GET * HTTP/1.1\r\n${HOST}\r\n`],
  [400, "a method that is no token", `G(T / HTTP/1.1\r\n${HOST}\r\n`],
  [400, "two empty lines before a request", `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`],
  [400, "a field that goes on", `GET / HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`],
  [400, "a first field that is indented", `GET / HTTP/1.1\r\n ${HOST}\r\n`],
  [400, "a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"],
  [400, "a field without a colon", `GET / HTTP/1.1\r\n${HOST}X\r\n\r\n`],
  [400, "a field without a name", `GET / HTTP/1.1\r\n${HOST}: x\r\n\r\n`],
  [400, "no Host", "GET / HTTP/1.1\r\n\r\n"],
  [400, "two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`],
  [400, "a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"],
  [400, "a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"],
  [400, "two lengths", `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
  [400, "a list of lengths", `GET / HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\n`],
  [400, "a length with a sign", `GET / HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\n`],
  [400, "a negative length", `GET / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`],
  [400, "a hexadecimal length", `GET / HTTP/1.1\r\n${HOST}Content-Length: 0x1\r\n\r\n`],
  [400, "an empty length", `GET / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`],
  [400, "a length and chunks", CHUNKED.replace(HOST, `${HOST}Content-Length: 1\r\n`)],
  [400, "a coding before chunked", CHUNKED.replace("chunked", "gzip, chunked")],
  [400, "chunked twice", CHUNKED.replace("chunked", "chunked, chunked")],
  [400, "two codings", CHUNKED.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n")],
  [400, "identity", CHUNKED.replace("chunked", "identity")],
  [400, "a coding with a vertical tab", CHUNKED.replace("chunked", "\x0bchunked")],
  [400, "chunks in HTTP/1.0", CHUNKED.replace("1.1", "1.0")],
  [400, "a size with a sign", `${CHUNKED}+5\r\nhello\r\n`],
  [400, "a size with a prefix", `${CHUNKED}0x5\r\nhello\r\n`],
  [400, "a size with a blank", `${CHUNKED}5 \r\nhello\r\n`],
  [400, "no size", `${CHUNKED}\r\nhello\r\n`],
  [400, "a size behind a bare LF", `${CHUNKED}5\nhello\r\n`],
  [400, "a control character in an extension", `${CHUNKED}5;a=\x01\r\nhello\r\n`],
  [400, "a chunk that is longer", `${CHUNKED}5\r\nhello!\r\n`],
  [400, "a chunk that ends with an LF", `${CHUNKED}5\r\nhello\n0\r\n\r\n`],
  [400, "trailers that go on", `${CHUNKED}0\r\nX: a\r\n b\r\n\r\n`],
  [400, "extensions without end", CHUNKED + `1;${"x".repeat(900)}\r\n1\r\n`.repeat(20)],
  [413, "a length beyond the limit", `GET / HTTP/1.1\r\n${HOST}Content-Length: 67108865\r\n\r\n`],
  [
    413,
    "a length beyond all",
    `GET / HTTP/1.1\r\n${HOST}Content-Length: ${"9".repeat(400)}\r\n\r\n`,
  ],
  [413, "a chunk beyond the limit", `${CHUNKED}4000001\r\n`],
  [413, "a chunk beyond all", `${CHUNKED}${"f".repeat(40)}\r\n`],
  [414, "a request line of 8193 bytes", `GET /${"x".repeat(8193 - 14)} HTTP/1.1\r\n`],
  [414, "a request line without end", `GET /${"x".repeat(9000)}`],
  [417, "an expectation not known", `GET / HTTP/1.1\r\n${HOST}Expect: tea\r\n\r\n`],
  [431, "101 fields", `GET / HTTP/1.1\r\n${HOST}${"X: y\r\n".repeat(100)}\r\n`],
  [431, "a head over 32768 bytes", `GET / HTTP/1.1\r\n${HOST}X: ${"y".repeat(32_768)}`],
  [431, "trailers without end", `${CHUNKED}0\r\n${"X: y\r\n".repeat(101)}`],
  [505, "HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`],
];

for (const [status, what, text] of REFUSED) {
  law(`RequestParser answers ${what} with ${status}, whether it comes at once or by bytes`, () => {
    const bytes = bytesOf(text);
    assertEquals(parsed(bytes).status, status);
    assertEquals(parsed(bytes, bytes.keys()).status, status);
  });
}

const TAKEN: readonly [what: string, text: string, requests: string[]][] = [
  ["an empty line before a request", `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, ["GET /: "]],
  ["a request line of 8192 bytes", `GET /${"x".repeat(8192 - 14)} HTTP/1.1\r\n${HOST}\r\n`, [
    `GET /${"x".repeat(8192 - 14)}: `,
  ]],
  ["100 fields", `GET / HTTP/1.1\r\n${HOST}${"X: y\r\n".repeat(99)}\r\n`, ["GET /: "]],
  [
    "one length given twice",
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`,
    ["PUT /: x"],
  ],
  ["no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", ["GET /: "]],
  ["a later version of HTTP/1", `GET / HTTP/1.2\r\n${HOST}\r\n`, ["GET /: "]],
  ["bytes over 127 in a value", `GET / HTTP/1.1\r\n${HOST}X: \xe9\r\n\r\n`, ["GET /: "]],
  ["chunk extensions", `${CHUNKED}1;a;b=c;d="e f"\r\nx\r\n0;z\r\n\r\n`, ["POST /: x"]],
];

for (const [what, text, requests] of TAKEN) {
  law(`RequestParser takes ${what}`, () => {
    const bytes = bytesOf(text);
    assertEquals(parsed(bytes), { requests, status: null });
    assertEquals(parsed(bytes, bytes.keys()), { requests, status: null });
  });
}

law("RequestParser goes on saying what was wrong", () => {
  const bytes = bytesOf(`GET / HTTP/1.1\r\n${HOST}\r\nbad\r\nGET / HTTP/1.1\r\n${HOST}\r\n`);
  assertEquals(parsed(bytes), { requests: ["GET /: "], status: 400 });
  assertEquals(parsed(bytes, bytes.keys()), { requests: ["GET /: "], status: 400 });
});

law("RequestParser finds the same in malformed bytes wherever they are cut, at once", () => {
  const random = seeded(9112);
  const before = threadMs();
  for (let i = 0; i < 5000; i++) {
    const bytes = malformed(random);
    const whole = parsed(bytes, [], SMALL_LIMITS);
    const cuts = cutsOf(bytes.length, random);
    assertEquals(parsed(bytes, cuts, SMALL_LIMITS), whole, JSON.stringify([...bytes]));
  }
  assertLess(threadMs() - before, 10_000);
});

/** `dns_server.ts` and dig: each type, both transports, sizes, versions, and each of the four servers. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { Server } from "../examples/example.ts";
import { firstThatRuns, lawWith, output } from "../lib/programs.ts";

const DIG = firstThatRuns("dig");

/** What dig says, without blank lines. */
async function dig(server: { port: number }, ...args: string[]): Promise<string> {
  const place = ["@127.0.0.1", "-p", String(server.port), "+time=5", "+tries=1"];
  return (await output(DIG, [...place, ...args])).trim();
}

lawWith([DIG], "dns_server and dig: each type, by UDP and by TCP", async () => {
  await using server = await Server.start("dns_server", "--port", "0");
  const table: [name: string, type: string, answer: string][] = [
    ["www.example.test", "A", "192.0.2.80"],
    ["WWW.Example.TEST", "AAAA", "2001:db8::80"],
    ["web.example.test", "A", "www.example.test.\n192.0.2.80"],
    ["web.example.test", "CNAME", "www.example.test."],
    ["example.test", "NS", "ns.example.test."],
    ["example.test", "MX", "10 mail.example.test."],
    ["example.test", "TXT", '"v=spf1 mx -all"'],
    ["example.test", "SOA", "ns.example.test. hostmaster.example.test. 1 3600 600 86400 60"],
    ["example.test", "A", ""],
  ];
  for (const [name, type, answer] of table) {
    for (const how of ["+notcp", "+tcp", "+noedns", "+bufsize=1232", "+cookie", "+dnssec"]) {
      assertEquals(await dig(server, name, type, how, "+short"), answer, `${name} ${type} ${how}`);
    }
  }
  assertMatch(
    await dig(server, "big.example.test", "TXT", "+noedns", "+ignore"),
    /flags: qr tc rd/,
  );
  assertMatch(await dig(server, "big.example.test", "TXT", "+noedns"), /retrying in TCP/);
});

lawWith([DIG], "dns_server and dig: what is not there, and what is not answered", async () => {
  await using server = await Server.start("dns_server", "--port", "0");
  const table: [status: string, ...args: string[]][] = [
    ["NXDOMAIN", "nobody.example.test"],
    ["NXDOMAIN", "nobody.test"],
    ["NOERROR", "www.example.test", "MX"],
    ["REFUSED", "example.com"],
    ["REFUSED", "www.example.test", "-c", "CH"],
    ["NOTIMP", "www.example.test", "+opcode=STATUS"],
    ["BADVERS", "www.example.test", "+edns=1", "+noednsnegotiation"],
    ["FORMERR", "+header-only"],
  ];
  for (const [status, ...args] of table) {
    assertMatch(await dig(server, ...args), new RegExp(`status: ${status},`), args.join(" "));
  }
  const ttl = async () => Number(/^test\.\s+(\d+)/m.exec(await dig(server, "nobody.test"))![1]);
  assertEquals(await ttl(), 60);
  await delay(1100);
  const left = await ttl();
  assert(left < 60 && left > 10, `${left}`);
});

lawWith([DIG], "dns_server and dig: the walk that the resolver does, by hand", async () => {
  await using server = await Server.start("dns_server", "--port", "0");
  const [, root, topLevel, own] = await server.ports(4);
  const ask = (port: number) => dig({ port }, "www.example.test", "+norecurse");
  assertMatch(await ask(root!), /flags: qr;[^]*^test\.\s+3600\s+IN\s+NS\s/m);
  assertMatch(await ask(topLevel!), /flags: qr;[^]*^example\.test\.\s+3600\s+IN\s+NS\s/m);
  assertMatch(await ask(own!), /flags: qr aa;[^]*^www\.example\.test\.\s+300\s+IN\s+A\s/m);
});

/** Names, heads and health: what does not parse is no message, and no part of one becomes a subject unchecked. */
import { assertEquals, assertThrows } from "@std/assert";
import { freshName, Names, parseKey } from "../../src/cluster/wire/names.ts";
import { formatHealth, type NodeHealth, parseHealth } from "../../src/cluster/wire/health.ts";
import { moduleHash } from "../../src/cluster/wire/job_hash.ts";
import {
  formatCancelHead,
  formatJobHead,
  formatResultHead,
  parseCancelHead,
  parseJobHead,
  parseResultHead,
} from "../../src/cluster/wire/protocol.ts";
import { Signer } from "../../src/cluster/wire/signing.ts";
import { law } from "../lib/law.ts";

const names = new Names("lab");
const key = { submitter: "s1", id: "j_2" };
const HASH = "0123456789abcdef0123456789abcdef";

law("Names refuse what would mean something to the server", () => {
  for (const bad of ["", "a.b", "a b", "*", ">", "a\r\nPUB", "ü", "x".repeat(65), "$JS"]) {
    assertThrows(() => new Names(bad), TypeError, "the name of a cluster");
    assertEquals(parseKey(`${bad}.x`), null);
  }
  assertThrows(() => new Names(undefined as unknown as string), TypeError);
  assertEquals(new Set(Array.from({ length: 1000 }, freshName)).size, 1000);
});

law("Subjects come apart as they were put together, and no other does", () => {
  assertEquals(names.parseJob(names.job("high", key)), { jobClass: "high", key });
  assertEquals(names.parseAbout("r", names.result(key)), key);
  assertEquals(names.parseAbout("s", names.starts(key)), key);
  assertEquals(names.parseAbout("x", names.cancel(key)), key);
  assertEquals(names.parseHealth(names.health("n1")), "n1");
  for (
    const subject of [
      "lab.q.urgent.s1.j",
      "lab.q.high.s1",
      "lab.q.high.s1.j.k",
      "lab.q.high..j",
      "other.q.high.s1.j",
      "lab.q.high.s*.j",
      "",
      "$JS.API.STREAM.PURGE.x",
    ]
  ) assertEquals(names.parseJob(subject), null, subject);
  assertEquals(names.parseAbout("r", names.starts(key)), null);
});

law("An object belongs to the job whose key its name begins with", () => {
  assertEquals(names.isObjectOf(key, names.argumentsObject(key)), true);
  assertEquals(names.isObjectOf(key, names.resultObject(key)), true);
  for (const bad of ["s1.j_2", "s1.j_2.", "s1.j_3.a", "s1.j_2.r", "s1.j_2.a.b", "s1.j_2.r.x.y"]) {
    assertEquals(names.isObjectOf(key, bad), false, bad);
  }
});

law("Heads come back as they were written", () => {
  const job = { name: "größe $1", hash: HASH, timeout: 50, maxAttempts: 5, again: 2, object: null };
  assertEquals(parseJobHead(formatJobHead(job)), job);
  const large = { ...job, object: "s1.j_2.a" };
  assertEquals(parseJobHead(formatJobHead(large)), large);
  const result = { status: "failed", attempt: 2, node: "n1", ms: 7, object: null } as const;
  assertEquals(parseResultHead(formatResultHead(result)), result);
  assertEquals(parseCancelHead(formatCancelHead("flag")), "flag");
});

law("A head of another version, or one that does not parse, is none", () => {
  for (
    const bad of [
      "",
      "1",
      `2 f ${HASH} 0 5 0 -`,
      `1 f ${HASH} 0 5 0`,
      `1 f ${HASH} 0 5 0 - more`,
      `1 f ${HASH} 0 0 0 -`,
      `1 f ${HASH} -1 5 0 -`,
      `1 f ${HASH} 0 5 -1 -`,
      `1 f ${HASH} 0 5 -`,
      `1 f ${HASH} 1e3 5 0 -`,
      `1 f short 0 5 0 -`,
      `1 %ZZ ${HASH} 0 5 0 -`,
      `1 %FF ${HASH} 0 5 0 -`,
      `1 f ${HASH} 0 5 0 ../x`,
      `1  ${HASH} 0 5 0 -`,
      `1 ${"f".repeat(400)} ${HASH} 0 5 0 -`,
    ]
  ) assertEquals(parseJobHead(bad), null, bad);
  for (const bad of ["1 done 1 n 0 -", "1 value x n 0 -", "1 value 1 n.x 0 -", "2 value 1 n 0 -"]) {
    assertEquals(parseResultHead(bad), null, bad);
  }
  for (const bad of ["1", "1 stop", "2 kill", "1 kill x"]) assertEquals(parseCancelHead(bad), null);
});

law("Health is read from its own node only, and only if it is whole", () => {
  const health: NodeHealth = {
    node: "n1",
    host: "here",
    pid: 1,
    workers: 2,
    concurrency: 4,
    running: 0,
    buffered: 0,
    done: 10,
    failed: 1,
    returned: 0,
    refused: 0,
    rate: 2.5,
    uptime: 1000,
    state: "open",
    functions: [`${HASH} f`],
  };
  const bytes = (value: unknown): Uint8Array =>
    new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  assertEquals(parseHealth("n1", bytes(formatHealth(health))), health);
  assertEquals(parseHealth("n1", bytes({ ...health, extra: 1 })), health);
  assertEquals(parseHealth("n2", bytes(health)), null);
  for (
    const bad of ["", "null", "[]", "{", { ...health, rate: -1 }, { ...health, functions: [1] }, {
      ...health,
      state: "lost",
    }]
  ) assertEquals(parseHealth("n1", bytes(bad)), null);
  assertEquals(parseHealth("n1", new Uint8Array(300_000)), null);
});

law("The hash of a module is that of its text", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const twin = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, "export const a = 1;");
  await Deno.writeTextFile(twin, "export const a = 1;");
  const url = (path: string): string => new URL(`file://${path}`).href;
  assertEquals(moduleHash(url(file)), moduleHash(url(twin)));
  assertEquals(moduleHash(url(file)).length, 32);
  await Deno.remove(file);
  await Deno.remove(twin);
  assertThrows(
    () => moduleHash("file:///no/such/file.ts"),
    TypeError,
    "Cannot use file:///no/such/file.ts in a cluster: there is no such file",
  );
  assertThrows(() => moduleHash(import.meta.resolve("./")), TypeError, "cannot be read: Is a dir");
});

law("A signature holds for one subject, head, body and key", async () => {
  const [a, b] = [new Signer("a secret of 22 letters"), new Signer("another secret of 27 bytes")];
  const body = new Uint8Array([1, 2]);
  const signature = await a.sign("lab.r.s.j", "1 value 1 n 0 -", body);
  const right = (s: Signer, subject: string, head: string, bytes: Uint8Array, sign = signature) =>
    s.isRight(sign, subject, head, bytes);
  assertEquals(await right(a, "lab.r.s.j", "1 value 1 n 0 -", body), true);
  assertEquals(await right(b, "lab.r.s.j", "1 value 1 n 0 -", body), false);
  assertEquals(await right(a, "lab.r.s.k", "1 value 1 n 0 -", body), false);
  assertEquals(await right(a, "lab.r.s.j", "1 error 1 n 0 -", body), false);
  assertEquals(await right(a, "lab.r.s.j", "1 value 1 n 0 -", new Uint8Array([1, 3])), false);
  for (const bad of ["", "!", "AAAA", signature.slice(1)]) {
    assertEquals(await right(a, "lab.r.s.j", "1 value 1 n 0 -", body, bad), false);
  }
  assertThrows(() => new Signer("short"), RangeError, "16");
});

/**
 * Every example as a reader would call it first: without arguments. With others: `calls.ts`, for all of
 * them in the sweep.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { lawsOfCalls } from "./calls.ts";
import { exampleNames, LIMIT_MS, outputOf, runExample } from "./example.ts";

/** These run in a test of their own, or in the sweep. */
const ELSEWHERE = [
  ...["throughput", "c10k", "process", "orphans_zombies", "joins", "shared_memory", "pipes_queues"],
  ...["cluster", "playground"],
];

for (const name of exampleNames()) {
  if (ELSEWHERE.includes(name)) continue;
  law(
    `${name} without arguments runs to its end with the permissions that it states`,
    () => outputOf(name),
    LIMIT_MS + 5000,
  );
}

lawsOfCalls(["hello", "poll_server"]);

law("worker_pool says in one line which permission it lacks", async () => {
  const { code, out, err } = await runExample("worker_pool", [], { flags: [] });
  assertEquals(
    [code, out, err],
    [2, "", "This example needs --allow-read: each worker loads its modules itself\n"],
  );
});

law("c10k talks to as many clients as it is told to", async () => {
  const { code, out, err } = await runExample("c10k", ["--connections", "100"]);
  assertEquals({ code, err }, { code: 0, err: "" });
  assertMatch(out, /100/);
});

law("hosts shows names, ports, and addresses as text and bytes", async () => {
  const out = await outputOf("hosts");
  assertMatch(out, /^localhost is 127\.0\.0\.1 and ::1$/m);
  assertMatch(out, /^http has port 80$/m);
  assertMatch(out, /^127\.0\.0\.1 is 7f000001, 4 bytes, and back 127\.0\.0\.1$/m);
  assertMatch(out, /^2001:db8::8:0:1 is .*, 16 bytes, and back 2001:db8::8:0:1$/m);
});

law("udp_boundaries shows that the rest of a datagram is dropped", async () => {
  const out = await outputOf("udp_boundaries");
  assertMatch(out, /^recvFrom\(1\) gives "h"\nrecvFrom\(100\) gives "world"$/m);
});

law("sticky_packets shows two sends read as one, and kept apart by a header", async () => {
  const out = await outputOf("sticky_packets");
  assertMatch(out, /received hel and loworld$/m);
  assertMatch(out, /received hello and world$/m);
});

law("signals lets a job end on SIGINT and cancels it on SIGTERM", async () => {
  const out = await outputOf("signals");
  assertMatch(
    out,
    /^SIGINT\n(?: {2}alarm: \d+\n)* {2}job \d+: done\n(?: {2}alarm: \d+\n)*Working/m,
  );
  assertMatch(
    out,
    /^SIGTERM\n(?: {2}(?:alarm: \d+|job \d+: done)\n)* {2}job \d+: cleaned up after SIGTERM\n(?: {2}alarm: \d+\n)*Stopped/m,
  );
});

law("tickets shows lost updates without a lock, and none with one, on both", async () => {
  const out = await outputOf("tickets");
  assertMatch(out, /without a lock: 14 sold, [1-9]\d* left/);
  assertMatch(out, /Lost update of .* task "buyer \d+" read/);
  assertMatch(out, /with a lock: 10 sold, 0 left/);
  assertMatch(
    out,
    /without a lock: [1-9]\d* left; so many sales were lost\n {2}with a lock: 0 left/,
  );
});

law("locks reports its deadlock at once and in the end, with names and lines", async () => {
  const out = await outputOf("locks");
  assertMatch(out, /at once: Deadlock: 2 tasks/);
  assertMatch(out, /in the end: Cannot go on/);
  assertMatch(
    out,
    /Ann waits pepper\.acquire\(\) held by Bob → Bob waits salt\.acquire\(\) held by Ann/,
  );
  assertMatch(out, /waits at locks\.ts:\d+:\d+/);
});

law("worker_pool shows each verb, an error with its fields, and a time limit", async () => {
  const out = await outputOf("worker_pool");
  assertMatch(out, /^apply: fib\(20\) = 6765$/m);
  assertMatch(out, /^map: 1346269,832040,2178309,514229$/m);
  assertMatch(out, /^error: TooBig, "41 is too big", value 41$/m);
  assertMatch(out, /^time limit: Timed out after \d+ ms: job "fib"/m);
  assertMatch(out, /^close, join: ended/m);
});

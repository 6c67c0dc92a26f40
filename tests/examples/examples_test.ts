/** Every example as a reader would call it: alone, with `--help`, and wrongly. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { exampleNames, ONE_LINE_WITH_FLAG, runExample } from "./example.ts";

/** These have tests of their own. */
const ELSEWHERE = ["throughput"];

/** Longer than any example runs, with room for a busy machine. */
const LIMIT_MS = 30_000;

for (const name of exampleNames()) {
  if (ELSEWHERE.includes(name)) continue;

  law(`${name} without arguments runs to its end with the permissions that it states`, async () => {
    const { code, out, err } = await runExample(name, [], { limitMs: LIMIT_MS });
    assertEquals({ code, err }, { code: 0, err: "" });
    assert(out.trim() !== "", "it says nothing");
  }, LIMIT_MS + 5000);

  law(`${name} --help says what it is and ends well`, async () => {
    const { code, out, err } = await runExample(name, ["--help"]);
    assertEquals({ code, err }, { code: 0, err: "" });
    assertMatch(out, /^\S.*\n/);
    assertEquals(await runExample(name, ["-h"]), { code, out, err });
  });

  law(`${name} without any permission runs, or says in one line which flag it lacks`, async () => {
    const { code, err } = await runExample(name, [], { flags: [], limitMs: LIMIT_MS });
    assertMatch(err, code === 0 ? /^$/ : ONE_LINE_WITH_FLAG);
  }, LIMIT_MS + 5000);

  law(`${name} refuses what it does not know with one line and exit code 2`, async () => {
    for (const wrong of ["--frobnicate", "-x"]) {
      const { code, out, err } = await runExample(name, [wrong]);
      assertEquals({ code, out }, { code: 2, out: "" }, wrong);
      assertEquals(err.trim().split("\n").length, 1, err);
      assert(err.includes(wrong), err);
    }
  });
}

for (
  const name of [
    ...["orphans_zombies", "pipes_queues", "process"],
    ...["shared_memory", "tickets", "worker_pool"],
  ]
) {
  law(`${name} says in one line which permission it lacks`, async () => {
    const { code, out, err } = await runExample(name, [], { flags: [] });
    assertEquals(
      [code, out, err],
      [2, "", "This example needs --allow-read: each worker loads its modules itself\n"],
    );
  });
}

law("hosts shows names, ports, and addresses as text and bytes", async () => {
  const { out } = await runExample("hosts");
  assertMatch(out, /^localhost is 127\.0\.0\.1 and ::1$/m);
  assertMatch(out, /^http has port 80$/m);
  assertMatch(out, /^127\.0\.0\.1 is 7f000001, 4 bytes, and back 127\.0\.0\.1$/m);
  assertMatch(out, /^2001:db8::8:0:1 is .*, 16 bytes, and back 2001:db8::8:0:1$/m);
});

law("udp_boundaries shows that the rest of a datagram is dropped", async () => {
  const { out } = await runExample("udp_boundaries");
  assertMatch(out, /^recvFrom\(1\) gives "h"\nrecvFrom\(100\) gives "world"$/m);
});

law("sticky_packets shows two sends read as one, and kept apart by a header", async () => {
  const { out } = await runExample("sticky_packets");
  assertMatch(out, /received hel and loworld$/m);
  assertMatch(out, /received hello and world$/m);
});

law("signals lets a job end on SIGINT and cancels it on SIGTERM", async () => {
  const { out } = await runExample("signals");
  assertMatch(out, /^SIGINT\n {2}job \d+: done\nWorking/m);
  assertMatch(out, /^SIGTERM\n {2}job \d+: cleaned up after SIGTERM\nStopped/m);
});

law("tickets shows lost updates without a lock, and none with one, on both", async () => {
  const { out } = await runExample("tickets");
  assertMatch(out, /without a lock: 14 sold, [1-9]\d* left/);
  assertMatch(out, /Lost update of .* task "buyer \d+" read/);
  assertMatch(out, /with a lock: 10 sold, 0 left/);
  assertMatch(
    out,
    /without a lock: [1-9]\d* left; so many sales were lost\n {2}with a lock: 0 left/,
  );
});

law("locks reports its deadlock at once and in the end, with names and lines", async () => {
  const { out } = await runExample("locks");
  assertMatch(out, /at once: Deadlock: 2 tasks/);
  assertMatch(out, /in the end: Cannot go on/);
  assertMatch(
    out,
    /Ann waits pepper\.acquire\(\) held by Bob → Bob waits salt\.acquire\(\) held by Ann/,
  );
  assertMatch(out, /waits at locks\.ts:\d+:\d+/);
});

law("worker_pool shows each verb, an error with its fields, and a time limit", async () => {
  const { out } = await runExample("worker_pool");
  assertMatch(out, /^apply: fib\(20\) = 6765$/m);
  assertMatch(out, /^map: 1346269,832040,2178309,514229$/m);
  assertMatch(out, /^error: TooBig, "41 is too big", value 41$/m);
  assertMatch(out, /^time limit: Cannot finish job "fib" in time/m);
  assertMatch(out, /^close, join: ended/m);
});

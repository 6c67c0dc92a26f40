/** What the examples about processes show, beyond that they run. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { law } from "../lib/law.ts";
import { outputOf } from "./example.ts";

law("process shows the same life with both backends, and memory that is not shared", async () => {
  const out = await outputOf("process");
  const [, worker, subprocess] = out.split(/^backend .*$/m);
  for (const part of [worker!, subprocess!]) {
    assertMatch(part, /: isAlive false, exitCode null$/m);
    assertMatch(part, /: isAlive true, pid known: true$/m);
    assertMatch(part, /: counter = 1000$/m);
    assertMatch(part, /: isAlive false, exitCode 0$/m);
    assertMatch(part, /^ {2}here: counter = 0$/m);
    assertMatch(part, /\(exit\): exitCode 7$/m);
    assertMatch(part, /told of RangeError: out of luck$/m);
    assertMatch(part, /\(throw\): exitCode 1$/m);
    assertMatch(part, /: exitCode -15$/m);
  }
  assertStringIncludes(worker!, "runs in its parent's process");
  assertStringIncludes(subprocess!, "runs in a process of its own");
  assertMatch(out, /^ {2}Hello you, from greeter$/m);
  assertEquals(
    out.trim().split("\n").slice(-2),
    ["daemon worker: exitCode -15", "daemon subprocess: exitCode -15"],
  );
}, 30_000);

law("orphans_zombies shows a child that waits to be reaped, and one that is adopted", async () => {
  const out = await outputOf("orphans_zombies");
  assertMatch(out, /its parent is busy: state (Z, exitCode null|unknown, there is no ps.*)$/m);
  assertMatch(out, /the event loop turned: state (gone|unknown, there is no ps), exitCode 3$/m);
  assertMatch(out, /the orphan: has another parent, and ends now$/m);
  assertMatch(out, /the ordinary child: finished\n {2}here: the parent has ended/);
  assertEquals(out.match(/finished/g)?.length, 1);
}, 35_000);

law("joins compares both orders, and tells of each process that has ended", async () => {
  const out = await outputOf("joins");
  const ratios = [...out.matchAll(/one by one takes ([\d.]+) times as long/g)].map((m) => +m[1]!);
  assertEquals(ratios.length, 2);
  for (const ratio of ratios) assertEquals(ratio > 0, true, out);
  const ended = [...out.matchAll(/ended: (.*)$/gm)].flatMap(([, names]) => names!.split(", "));
  assertEquals(new Set(ended).size, 3, out);
}, 35_000);

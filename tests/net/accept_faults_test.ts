/**
 * What accept(2) may fail with, made by strace. Without strace these tests are skipped: by name, so that it
 * shows. `.ci/run` installs it.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { lawWithStrace } from "../lib/strace.ts";

/** Passing errors: of the newcomer, the network, a firewall, memory and descriptors. */
const PASSING = {
  ECONNABORTED: 103,
  EPROTO: 71,
  ENOBUFS: 105,
  ENOMEM: 12,
  EPERM: 1,
  EMFILE: 24,
  ENFILE: 23,
  ENETDOWN: 100,
};

/** Runs a fixture while accepts number `when` fail with `error`. */
async function runFailing(fixture: string, error: string, when: string) {
  const { code, stdout, stderr } = await new Deno.Command("strace", {
    args: [
      ...["-f", "-qq", "-o", "/dev/null", "-e", "trace=accept4"],
      ...["-e", `inject=accept4:error=${error}:when=${when}`],
      ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A"],
      new URL(`./fixtures/${fixture}`, import.meta.url).pathname,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}

for (const [error, number] of Object.entries(PASSING)) {
  lawWithStrace(
    `serve() survives ${error} from accept, and reports the first of a row`,
    async () => {
      const { code, out, err } = await runFailing("served.ts", error, "2..4");
      assertEquals({ code, err }, { code: 0, err: "" });
      const [first, ...more] = out.trim().split("\n");
      assertMatch(first!, new RegExp(`^undefined: .*os error ${number}\\b`));
      assert(more.length <= 2, out); // another row, if a connection came between
    },
  );
}

lawWithStrace("serve() ends by an error that says that the listener is none", async () => {
  const { code, err } = await runFailing("served.ts", "EBADF", "2");
  assert(code !== 0);
  assertMatch(err, /Bad file descriptor/);
});

for (const error of ["ECONNABORTED", "EMFILE"]) {
  lawWithStrace(
    `Listener.drain() gives everybody in line although accepts fail with ${error}`,
    async () => {
      const { code, out, err } = await runFailing("drained.ts", error, "2..6");
      assertEquals({ code, out, err }, { code: 0, out: "5\n", err: "" });
    },
  );
}

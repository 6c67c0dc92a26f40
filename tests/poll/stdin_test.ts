/** How standard input of each kind ends in poll: as on Linux. */
import { assertEquals } from "@std/assert";

const FIXTURE = new URL("./fixtures/poll_stdin.ts", import.meta.url).pathname;
const LICENSE = new URL("../../LICENSE", import.meta.url).pathname;

const KINDS: Record<string, { shell: string; answers: string[] }> = {
  "/dev/null": {
    shell: '"$@" < /dev/null',
    answers: ["POLLIN 0", "POLLIN 0", "POLLIN 0"],
  },
  "a file": {
    shell: `"$@" < "${LICENSE}"`,
    answers: [`POLLIN ${Deno.statSync(LICENSE).size}`, "POLLIN 0", "POLLIN 0"],
  },
  "a pipe": {
    shell: 'printf hello | "$@"',
    answers: ["POLLIN 5", "POLLHUP -", "POLLHUP -"],
  },
};

for (const [kind, { shell, answers }] of Object.entries(KINDS)) {
  Deno.test({
    name: `poll() tells of the end of stdin from ${kind} as Linux does, and recv gives no bytes`,
    ignore: Deno.build.os === "windows",
    timeout: 20_000,
    async fn() {
      const { stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", shell, "sh", Deno.execPath(), "run", "--quiet", "--no-check", FIXTURE],
        env: { NO_COLOR: "1" },
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assertEquals({ out: out!.trim().split("\n"), err }, { out: answers, err: "" });
    },
  });
}

/**
 * One run of a page, as a process of its own: the server goes on answering whatever the run does, and to
 * cancel it is to end the process. It prints its events, and ends with its stdin.
 */
import { Cells } from "./cells.ts";
import { runComparison } from "./comparison.ts";
import { runDinner } from "./dinner.ts";
import { tell } from "./events.ts";
import type { RunOrder } from "./settings.ts";

const order: RunOrder = JSON.parse(Deno.args[0]!);
const cells = new Cells();

function stop(): void {
  cells.kill();
  Deno.exit(0);
}

async function stopWithStdin(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
  stop();
}

Deno.addSignalListener("SIGINT", stop);
if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
void stopWithStdin();
try {
  await (order.kind === "deadlock" ? runDinner() : runComparison(order, cells));
  await cells[Symbol.asyncDispose]();
  tell({ kind: "end", status: "done" });
} catch (error) {
  tell({ kind: "end", status: `failed: ${(error as Error).message.split("\n")[0]}` });
}
stop();

/** A progress bar on stderr, where there is a terminal to draw it on. */
// @ts-types="./cli_progress.d.ts"
import { SingleBar } from "cli-progress";
import type { Progress } from "./compare.ts";

/** A bar that can be stepped on, and taken away again. */
export interface Bar extends Disposable {
  /** Call after each cell. */
  step: Progress;
}

/** Draws a bar of so many cells. */
export function startBar(cells: number): Bar {
  if (!Deno.stderr.isTerminal()) return { step: () => {}, [Symbol.dispose]: () => {} };
  const bar = new SingleBar({
    format: "{bar} {value}/{total}  {cell}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 32,
    hideCursor: true,
    clearOnComplete: true,
    fps: 30,
  });
  bar.start(cells, 0, { cell: "starting" });
  return {
    step: (done, workload, engine) => bar.update(done, { cell: `${workload} on ${engine}` }),
    [Symbol.dispose]: () => bar.stop(),
  };
}

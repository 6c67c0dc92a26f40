/** A progress bar with rate and time left on stderr, where there is a terminal to draw it on. */
// @ts-types="../throughput/cli_progress.d.ts"
import { SingleBar } from "cli-progress";
import type { Progress } from "./send.ts";

/** What shows how far a transfer is. */
export interface TransferBar extends Disposable {
  /** Call it with what is done. */
  progress: Progress;
}

const MIB = 1 << 20;

/** A bar for one file. */
export function transferBar(): TransferBar {
  if (!Deno.stderr.isTerminal()) return { progress: () => {}, [Symbol.dispose]: () => {} };
  const bar = new SingleBar({
    format: "{bar} {percentage} %  {done} of {all} MiB  {rate} MiB/s  {left} s left",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 32,
    hideCursor: true,
    fps: 10,
  });
  const began = performance.now();
  let from = -1;
  const shown = (done: number, size: number): Record<string, string> => {
    const rate = (done - from) / Math.max(performance.now() - began, 1); // what was there is no merit
    const left = rate > 0 ? (size - done) / rate / 1000 : NaN;
    return {
      done: (done / MIB).toFixed(1),
      all: (size / MIB).toFixed(1),
      rate: (rate * 1000 / MIB).toFixed(1),
      left: Number.isNaN(left) ? "?" : left.toFixed(0),
    };
  };
  return {
    progress: (done, size) => {
      if (from >= 0) return bar.update(done, shown(done, size));
      from = done;
      bar.start(size, done, shown(done, size));
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

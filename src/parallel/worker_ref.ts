/**
 * Letting the host end although a worker lives, or not.
 *
 * Deno's workers can do that, but only its own code knows the key: the one method of the prototype
 * whose symbol has no description. On a Deno that has it no more, a worker keeps the process alive
 * until it ends, and one that computes for ever does so for ever.
 */

const refKey = Object.getOwnPropertySymbols(Worker.prototype).find((key) =>
  !key.description && typeof Reflect.get(Worker.prototype, key) === "function"
);

/**
 * Lets a worker keep the host process alive, or not. The host counts: say each only after the other, and
 * know that a new worker does.
 */
export function holdWorker(worker: Worker, held: boolean): void {
  if (refKey !== undefined) Reflect.get(worker, refKey).call(worker, held);
}

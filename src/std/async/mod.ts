/**
 * @std/async, for where JSR is out of reach. Put together from its parts, because the `mod.js` that
 * npm has imports a file which is not there.
 *
 * @module
 */
export * from "./abortable.ts";
export * from "./deadline.ts";
export * from "./debounce.ts";
export * from "./delay.ts";
export * from "./mux_async_iterator.ts";
export * from "./pool.ts";
export * from "./retry.ts";
export * from "./tee.ts";

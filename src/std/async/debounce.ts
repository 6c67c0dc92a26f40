/**
 * @std/async/debounce, for where JSR is out of reach.
 *
 * @module
 */
// @ts-types="./debounce.d.ts"
export * from "npm:deno-std@1.4.0/async/debounce.js";

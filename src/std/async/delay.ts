/**
 * @std/async/delay, for where JSR is out of reach.
 *
 * @module
 */
// @ts-types="./delay.d.ts"
export * from "npm:deno-std@1.4.0/async/delay.js";

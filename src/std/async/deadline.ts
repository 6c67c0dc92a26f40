/**
 * @std/async/deadline, for where JSR is out of reach.
 *
 * @module
 */
// @ts-types="./deadline.d.ts"
export * from "npm:deno-std@1.4.0/async/deadline.js";

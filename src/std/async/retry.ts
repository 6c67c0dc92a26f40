/**
 * @std/async/retry, for where JSR is out of reach.
 *
 * @module
 */
// @ts-types="./retry.d.ts"
export * from "npm:deno-std@1.4.0/async/retry.js";

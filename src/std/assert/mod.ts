/**
 * @std/assert, for where JSR is out of reach: the same code from npm, which ships it without types,
 * and the types of the part that is used here, written by hand.
 *
 * @module
 */
// @ts-types="./mod.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";

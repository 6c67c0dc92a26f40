/**
 * @std/cli/parse-args, for where JSR is out of reach. The other parts of @std/cli are left out:
 * `unicode_width.js` cannot be loaded from npm, where the table it reads was not packed.
 *
 * @module
 */
// @ts-types="./parse_args.d.ts"
export * from "npm:deno-std@1.4.0/cli/parse_args.js";

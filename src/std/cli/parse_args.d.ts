/**
 * Types for the part of @std/cli/parse-args that is used here. The flags named in the options get
 * their types; any other flag is `unknown`. Narrower than what JSR serves in two respects: dotted
 * names (`--a.b`) do not become nested types, and without options a flag is `unknown`, not `any`.
 */

/** One name or several. */
type Names<K extends string> = K | readonly K[];

/** The flags under their own names: B boolean, S string, C collected, D with a default. */
type Flags<B extends string, S extends string, C extends string, D> =
  & { [K in Exclude<B, C>]: boolean | (K extends keyof D ? D[K] : never) }
  & { [K in Exclude<S & keyof D, C | "_">]: string | D[K] }
  & { [K in Exclude<S, C | keyof D | "_">]?: string | undefined }
  & { [K in B & C]: boolean[] }
  & { [K in S & C]: string[] }
  & { [K in Exclude<C, B | S>]: unknown[] };

/** The same flags under the other names that `alias` gives them. */
type Aliased<A, F> = {
  [K in keyof A & keyof F as A[K] extends Names<infer N> ? N : never]: F[K];
};

/** How to read a command line. */
export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
  D = Record<string, unknown>,
  A = Record<string, Names<string>>,
  P extends boolean = boolean,
> {
  /** Put what follows `--` under "--" and not under `_`. @default {false} */
  "--"?: P;
  /** Other names of a flag. */
  alias?: A;
  /** Flags that take no value; `true` makes all double-dash flags boolean. */
  boolean?: boolean | Names<B>;
  /** Values of flags that were not given. */
  default?: D & Record<string, unknown>;
  /** Put everything after the first word under `_`. @default {false} */
  stopEarly?: boolean;
  /** Flags whose value stays a text, though it look like a number. */
  string?: Names<S>;
  /** Flags that may be given more than once. */
  collect?: Names<C>;
  /** Flags that `--no-…` sets to false. */
  negatable?: Names<string>;
  /** Called for what no option names; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What was given on a command line. */
export type Args<
  B extends string = never,
  S extends string = never,
  C extends string = never,
  D = unknown,
  A = unknown,
  P extends boolean = false,
> =
  & { [flag: string]: unknown; _: "_" extends S ? string[] : (string | number)[] }
  & Flags<B, S, C, D>
  & Aliased<A, Flags<B, S, C, D>>
  & (P extends true ? { "--": string[] } : unknown);

export declare function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
  D = unknown,
  const A extends Record<string, Names<string>> = Record<never, never>,
  const P extends boolean = false,
>(
  args: readonly string[],
  options?: ParseOptions<B, S, C, D, A, P>,
): Args<B, S, C, D, A, P>;

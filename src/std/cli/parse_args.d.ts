/** Types for the part of @std/cli/parse-args that weft's examples use. */

type Named<B extends string, S extends string, C extends string> =
  & { [K in B]: boolean }
  & { [K in Exclude<S, C>]?: string }
  & { [K in S & C]: string[] };

export interface ParseOptions<
  B extends string = string,
  S extends string = string,
  C extends string = string,
> {
  boolean?: readonly B[];
  string?: readonly S[];
  collect?: readonly C[];
  default?: Record<string, unknown>;
  alias?: Record<string, string | readonly string[]>;
  negatable?: readonly string[];
  stopEarly?: boolean;
  "--"?: boolean;
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

export type Args<B extends string, S extends string, C extends string> =
  & Named<B, S, C>
  & { _: (string | number)[] }
  & { [flag: string]: unknown };

export declare function parseArgs<
  const B extends string = never,
  const S extends string = never,
  const C extends string = never,
>(args: readonly string[], options?: ParseOptions<B, S, C>): Args<B, S, C>;

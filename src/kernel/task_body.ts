/** What a task is made of: a body, the generator that it gives, and a name. */

/**
 * What a `yield` without a star evaluates to. The language has one type for all of them in a body, so it may
 * be anything: it can be cast, and fits no type by itself. The text is what the compiler shows then.
 */
export type Untyped<Text extends string> =
  | { readonly "what to write": Text }
  | object
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined;

/** What the body of a task may be: a `function*` or an `async function*`. */
export type TaskBody<A extends readonly unknown[], T> = (
  ...args: A
) =>
  | Generator<unknown, T, Untyped<"write yield* for a value that has a type">>
  | AsyncGenerator<unknown, T, Untyped<"write yield* for a value that has a type">>;

/** Either kind of generator, as a task drives it. */
export type TaskGenerator<T> = Iterator<unknown, T, never> | AsyncIterator<unknown, T, never>;

/** A name as it is, or the body, whose name is numbered when somebody asks. */
export type TaskName = string | { readonly name: string };

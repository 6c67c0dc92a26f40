/**
 * The bodies of tasks, the generators that they give, and how these are called.
 *
 * Each evaluation of a `function*` expression gives its generators a prototype, and so a hidden class, of
 * their own. With a thousand bodies written in place, `generator.next()` is a look-up in a thousand classes: a
 * step then costs three times as much (measured; in a bare ring of generators, too), and already the
 * question whether a fresh generator has an async iterator costs more than to spawn it. But all generators of
 * the language inherit one and the same `next`, two prototypes up. So one that has no method of its own in
 * between is called by it, and whatever else has a `next` (a generator that somebody has changed, an iterator
 * of the user's) keeps the look-up.
 *
 * To ask for something of their own costs 50 ns, a seventh of a spawn. A body that is spawned twice in a row is
 * no body written in place, so for it the look-up is the quicker question.
 *
 * Task code and kernel meet in one place only, a generator's `yield`. What may come out of it is a
 * wait already made (`yield*`), nothing (a bare `yield`: cede), an operation, or a promise. It becomes a
 * {@linkcode Startable}; anything else is an error at the line that yielded it.
 */

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

type GeneratorStep = IteratorResult<unknown, unknown>;
type FastMethod = (this: unknown, input?: unknown) => GeneratorStep;
type AsyncMethod = (this: unknown, input?: unknown) => Promise<GeneratorStep>;

const fast: { readonly next: FastMethod; readonly throw: FastMethod } = inheritedBy(
  function* () {},
);
const slow: { readonly next: AsyncMethod; readonly throw: AsyncMethod } = inheritedBy(
  async function* () {},
);

/** The `next` of every native `function*` generator. */
export const generatorNext: FastMethod = fast.next;
/** The `throw` of every native `function*` generator. */
export const generatorThrow: FastMethod = fast.throw;
/** The `next` of every native `async function*` generator. */
export const asyncGeneratorNext: AsyncMethod = slow.next;
/** The `throw` of every native `async function*` generator. */
export const asyncGeneratorThrow: AsyncMethod = slow.throw;

/** What the generator that was asked about last has as its prototype. */
let latest: unknown = null;

/** Whether a generator's `next` and `throw` are those that all of its kind inherit. */
export function isNative(generator: object): boolean {
  const own: unknown = Object.getPrototypeOf(generator);
  if (own === null) return false;
  const inherited: unknown = Object.getPrototypeOf(own);
  if (inherited !== fast && inherited !== slow) return false;
  if (own === latest) return isAsInherited(generator as Methods, inherited as Methods);
  latest = own;
  return !isChanged(own as object) && !isChanged(generator);
}

/** Whether a generator is to be driven as an `async function*` is. */
export function isAsync(generator: object): boolean {
  const own: unknown = Object.getPrototypeOf(generator);
  const inherited: unknown = own === null ? null : Object.getPrototypeOf(own);
  return inherited === slow || (inherited !== fast && Symbol.asyncIterator in generator);
}

interface Methods {
  readonly next: unknown;
  readonly throw: unknown;
}

function isAsInherited(generator: Methods, inherited: Methods): boolean {
  return generator.next === inherited.next && generator.throw === inherited.throw;
}

function isChanged(object: object): boolean {
  return Object.hasOwn(object, "next") || Object.hasOwn(object, "throw");
}

/** What all generators of a kind inherit. */
function inheritedBy<T>(body: () => unknown): T {
  return Object.getPrototypeOf(body.prototype) as T;
}

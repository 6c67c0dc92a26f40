/**
 * Checking that something is a task body before anything is started, so that the error points at
 * the line that passed it; and what the compiler says where a call was almost right.
 *
 * A signature that nothing fits comes last among a function's, and its parameter has a {@linkcode Hint} as
 * its type. So the hint is what the error shows; the other signatures tell it with so many types that nobody
 * finds the missing star in them.
 */
import { hasMethod, isGeneratorFunction } from "../kernel/checks.ts";
import { functionName, printable, show } from "../kernel/printable.ts";
import { keepHandled } from "../kernel/promise_waits.ts";

/**
 * Makes sure that `body` is a generator function. Promises among its arguments are taken care of: the
 * task may be cancelled before its first step, and nobody would be there to see them reject.
 *
 * @param body What was passed.
 * @param verb The function it was passed to, for the message.
 * @param args What the body is to be called with.
 * @throws {TypeError} If it is anything else.
 */
export function checkBody(body: unknown, verb: string, args: readonly unknown[] = []): void {
  for (let i = 0; i < args.length; i++) keepHandled(args[i]); // each spawn does so, mostly for none
  if (isGeneratorFunction(body)) return;
  throw new TypeError(
    `Cannot ${verb} ${describe(body)}: a task body is a function* or an async function*, ` +
      `passed uncalled, with its arguments behind it`,
  );
}

function describe(body: unknown): string {
  if (typeof body === "function") {
    const kind = show(Object.getPrototypeOf(body)).includes("Async")
      ? "the async function"
      : "the function";
    const name = functionName(body as () => void);
    return `${kind} ${name === "" ? "(anonymous)" : `"${printable(name)}"`}`;
  }
  if (typeof body === "object" && hasMethod(body, "next")) {
    return "a generator already called";
  }
  return show(body);
}

/** A type that no value has; its text says what to write instead. */
export interface Hint<Text extends string> {
  /** Never there. */
  readonly "what to write": Text;
}

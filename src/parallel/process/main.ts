/** What a process does between its first message and its last. */
import { Cancelled, ClosedError } from "../../kernel/errors.ts";
import { messageText } from "../../kernel/printable.ts";
import { RunLife } from "../../kernel/run_life.ts";
import type { TaskGenerator } from "../../kernel/task_body.ts";
import { type AnyFunction, findJob } from "../jobs.ts";
import { whileLoading } from "../loading.ts";
import { embody } from "./process.ts";
import { openBegin } from "./begin.ts";
import { endChildren } from "./children.ts";
import { type AnyClass, findClass } from "./classes.ts";
import type { Self } from "./current.ts";
import { printFailure } from "./options.ts";
import { type BeginMessage, type ClassAddress, type EndMessage, TERMINATED } from "./wire.ts";
import { packError, unpackError } from "../transported_error.ts";
import { WorkerError } from "../worker_error.ts";

/** The way back to the parent. */
export interface ProcessLink {
  /** Whether anybody listens. */
  isHeard(): boolean;
  /** Says the last word, and ends this process. */
  end(message: EndMessage): void;
}

/** Does what the message says, and ends the process. */
export async function runProcess(
  begin: BeginMessage,
  current: Self,
  line: ProcessLink,
): Promise<void> {
  let isOver = false;
  const end = async (error: unknown, failed: boolean): Promise<void> => {
    if (isOver) return;
    isOver = true;
    try {
      await endChildren();
    } finally {
      line.end(endMessage(error, failed, current, line));
    }
  };
  watchErrors((error) => end(error, true));
  try {
    await perform(begin, current);
    await end(undefined, false);
  } catch (error) {
    await end(error, true);
  }
}

async function perform(begin: BeginMessage, current: Self): Promise<void> {
  const { target, type } = begin;
  const Type = type === null ? null : await load(type, findClass);
  const call = target === null ? null : await load(target, ({ url, name }) => findJob(url, name));
  const opened = await openBegin(begin);
  if (current.stopRequested) throw stopped();
  const made = embody(Type as AnyClass | null, opened, call as AnyFunction | null).run();
  if (!isGenerator(made)) return void await made;
  const life = new RunLife<unknown>();
  life.begin(made);
  await life.toEnd();
}

/** Imports a module, and finds in it what was made known there, or else what it exports. */
async function load(place: ClassAddress, find: (place: ClassAddress) => unknown): Promise<unknown> {
  const { url, name } = place;
  let module: Record<string, unknown>;
  try {
    module = await whileLoading<Record<string, unknown>>(import(url));
  } catch (cause) {
    throw new WorkerError(name, `Cannot load "${name}": ${messageText(cause)}`, { cause });
  }
  const found = find(place) ?? module[name];
  if (typeof found === "function") return found;
  throw new WorkerError(
    name,
    `Cannot find "${name}" in ${url}: call jobs() or processes() at the top level of the module`,
  );
}

/** An error that no `await` of the target's sees ends the process as well. */
function watchErrors(failed: (error: unknown) => void): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    failed(event.error ?? new Error(event.message));
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    failed(event.reason);
  });
}

function endMessage(
  error: unknown,
  failed: boolean,
  current: Self,
  line: ProcessLink,
): EndMessage {
  if (!failed) return { kind: "weft.end", code: Deno.exitCode, error: null };
  if (current.stopRequested && isStop(error, current.signal.reason)) {
    return { kind: "weft.end", code: TERMINATED, error: null };
  }
  const packed = packError(error);
  // Printed as it was unpacked: to look at what was thrown may throw.
  if (!line.isHeard()) printFailure(unpackError(packed), current.name);
  return { kind: "weft.end", code: 1, error: packed };
}

/** Whether an error only says that the process let itself be stopped; a shared lock says it by the last. */
function isStop(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  try {
    return error instanceof Cancelled || error instanceof ClosedError;
  } catch {
    return false; // it cannot even be asked
  }
}

function stopped(): Error {
  return new Cancelled("shutdown", "the process was asked to stop before it began");
}

function isGenerator(value: unknown): value is TaskGenerator<unknown> {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object Generator]" || tag === "[object AsyncGenerator]";
}

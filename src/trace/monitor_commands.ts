/**
 * The commands of the monitor: a run and a line of text in, text out, and no socket anywhere.
 *
 * Every answer is bounded, in lines and in their length, however many tasks there are and whatever they
 * are called; where something was left out, it says so.
 */
import { errorText, printable } from "../kernel/printable.ts";
import type { Scheduler } from "../kernel/scheduler.ts";
import { waitSites } from "../kernel/sites.ts";
import type { Task } from "../kernel/task.ts";
import { heldLocks } from "./held_locks.ts";
import {
  formatTaskTree,
  heldBy,
  holderChain,
  leafWaits,
  listed,
  MOST_ITEMS,
  siteText,
  sourceText,
  stateOf,
  waitsOn,
} from "../kernel/report.ts";

/** No answer has more lines than this. */
const MOST_LINES = 1000;
/** No line is longer than this. */
const LINE_LENGTH = 400;
/** So much of a name is shown in a table. */
const NAME_LENGTH = 60;
/** So much of what a task waits on. */
const WAITS_LENGTH = 160;
/** So much of an unknown command is shown. */
const SHOWN = 40;

/** The result of a command: something to print, or the end of the session. */
export type Answer =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "quit"; readonly text: string };

interface Command {
  /** How it is called, and what it does: a line of the help. */
  readonly usage: string;
  /** Whether it wants an id: always, never, or perhaps. */
  readonly id: "none" | "optional" | "needed";
  /** Gives the lines of the answer. */
  readonly lines: (scheduler: Scheduler, id: number) => string[];
}

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["ps", { usage: "ps [ID]      the tasks, from that id on", id: "optional", lines: ps }],
  ["where", {
    usage: "where ID     what a task waits on, where, and why",
    id: "needed",
    lines: where,
  }],
  ["cancel", { usage: "cancel ID    cancels a task", id: "needed", lines: cancel }],
  ["tree", {
    usage: "tree         the tasks below those that spawned them",
    id: "none",
    lines: tree,
  }],
  ["locks", {
    usage: "locks        what is held, by whom, and who waits for it",
    id: "none",
    lines: locks,
  }],
  ["help", { usage: "help         this list", id: "none", lines: help }],
  ["quit", { usage: "quit         ends the session", id: "none", lines: () => ["bye"] }],
]);

/**
 * Answers one line.
 *
 * @param scheduler The run that is asked about.
 * @param line What was typed, without the end of the line.
 * @returns The answer; its text ends in a newline unless it is empty. An empty line has an empty answer.
 */
export function answer(scheduler: Scheduler, line: string): Answer {
  const words = line.trim().split(/\s+/);
  const [name = "", argument] = words;
  if (name === "") return { kind: "text", text: "" };
  const command = commands.get(name);
  if (command === undefined) {
    return said([`Cannot do ${quoted(name)}: there is no such command; try "help"`]);
  }
  if (words.length > 2 || (argument !== undefined && command.id === "none")) {
    return said([`Cannot do ${quoted(line.trim())}: the command is ${quoted(usageOf(command))}`]);
  }
  if (argument === undefined && command.id === "needed") {
    return said([`Cannot do ${quoted(name)} without the id of a task: "ps" lists them`]);
  }
  const id = argument === undefined ? 0 : idOf(argument);
  if (id === undefined) {
    return said([
      `Cannot take ${quoted(argument!)} for the id of a task: it must be a whole number`,
    ]);
  }
  return { kind: name === "quit" ? "quit" : "text", text: textOf(command, scheduler, id) };
}

/** What a command says; also if code of the program, say a name's `toString`, throws on the way. */
function textOf(command: Command, scheduler: Scheduler, id: number): string {
  try {
    return said(command.lines(scheduler, id)).text;
  } catch (error) {
    return said([`Cannot answer: ${errorText(error)}`]).text;
  }
}

function ps(scheduler: Scheduler, from: number): string[] {
  const tasks = scheduler.tasks().filter((task) => task.id >= from);
  const rows = tasks.slice(0, MOST_LINES - 2).map((task) => [
    String(task.id),
    stateOf(task),
    task.spawner === null ? "-" : String(task.spawner.id),
    printable(task.name, NAME_LENGTH) + (task.daemon ? " (daemon)" : ""),
    printable(waitsOn(task), WAITS_LENGTH) || "-",
  ]);
  const next = tasks[rows.length];
  const lines = columns([["ID", "STATE", "PARENT", "NAME", "WAITS ON"], ...rows]);
  if (next !== undefined) lines.push(more(tasks.length - rows.length, next));
  return lines;
}

function more(count: number, next: Task): string {
  return `${count} more: ps ${next.id}`;
}

function where(scheduler: Scheduler, id: number): string[] {
  const task = find(scheduler, id);
  if (task === undefined) return [missing(id)];
  const lines = [`${printable(task.name)} (id ${id}) is ${stateOf(task)}`];
  const { spawner, spawnSite } = task;
  if (spawner !== null || spawnSite !== undefined) {
    const by = spawner === null ? "" : ` by ${printable(spawner.name)} (id ${spawner.id})`;
    lines.push(`spawned${by}${spawnSite === undefined ? "" : ` at ${siteText(spawnSite)}`}`);
  }
  if (task.isAway) lines.push("is out in a foreign await: where, only its own code knows");
  const waits = leafWaits(task);
  const shown = waits.slice(0, MOST_ITEMS);
  for (const { source } of shown) lines.push(`waits on ${sourceText(source)}`);
  if (waits.length > shown.length) lines.push(`and on ${waits.length - shown.length} more`);
  for (const site of waitSites({ waits: shown })) {
    lines.push(
      ...site.map((place, i) => `${i === 0 ? "  at" : "  called from"} ${siteText(place)}`),
    );
  }
  const chain = holderChain(task);
  if (chain.length > 0) lines.push("because:", ...chain.map((link) => `  ${link}`));
  const held = [...task.holdings];
  if (held.length > 0) lines.push(`holds ${listed(held)}`);
  return lines;
}

function cancel(scheduler: Scheduler, id: number): string[] {
  const task = find(scheduler, id);
  if (task === undefined) return [missing(id)];
  if (task.cause !== null) return [`${printable(task.name)} (id ${id}) was cancelled before`];
  task.cancel("monitor");
  return [`cancelled ${printable(task.name)} (id ${id})`];
}

function tree(scheduler: Scheduler): string[] {
  const tasks = scheduler.tasks();
  // Those who spawn come before those they spawned, so the first of them make a tree, too.
  const lines = formatTaskTree(tasks.slice(0, MOST_LINES - 1));
  const next = tasks[MOST_LINES - 1];
  if (next !== undefined) lines.push(more(tasks.length - lines.length, next));
  return lines;
}

function locks(scheduler: Scheduler): string[] {
  const held = heldLocks(scheduler.tasks());
  if (held.length === 0) return ["nothing is held"];
  return held.flatMap(({ name, holders, waiters, more }) => [
    `${printable(name)} ${heldBy(...holders.map(withId))}`,
    ...waiters.map(({ task, call }, i) =>
      `  ${i + 1}. ${printable(task.name)} (id ${task.id}) ${printable(call)}`
    ),
    ...more > 0 ? [`  and ${more} more`] : [],
  ]);
}

function withId({ name, id }: Task): { name: string } {
  return { name: `${printable(name)} (id ${id})` };
}

function help(): string[] {
  return [...commands.values()].map(({ usage }) => usage);
}

function find(scheduler: Scheduler, id: number): Task | undefined {
  return scheduler.tasks().find((task) => task.id === id);
}

function missing(id: number): string {
  return `Cannot find task ${id}: it has ended, or there was none; "ps" lists them`;
}

function idOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function usageOf({ usage }: Command): string {
  return usage.slice(0, usage.indexOf("  "));
}

function quoted(text: string): string {
  return JSON.stringify(printable(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text));
}

function said(lines: string[]): Answer {
  const shown = lines.length <= MOST_LINES
    ? lines
    : [...lines.slice(0, MOST_LINES - 1), `and ${lines.length - MOST_LINES + 1} more lines`];
  return {
    kind: "text",
    text: `${shown.map((line) => printable(line, LINE_LENGTH)).join("\n")}\n`,
  };
}

/** Rows as aligned columns; the last one is not padded. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) =>
    row.map((cell, at) => at === row.length - 1 ? cell : cell.padEnd(widths[at]!)).join("  ")
  );
}

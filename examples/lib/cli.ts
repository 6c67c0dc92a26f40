/**
 * What every example's command line has in common: `--help`, and one clear line and exit code 2 for
 * bad arguments.
 */
import { parseArgs } from "@std/cli/parse-args";

/** The flags of an example: what each takes, and its default. */
export interface Flags {
  /** Flags that take a text. */
  string?: Record<string, string>;
  /** Flags that take a whole number. */
  number?: Record<string, number>;
  /** Flags that are there or not. */
  boolean?: readonly string[];
  /** Names of leading words, as in `serve`. */
  words?: readonly string[];
}

/** What was given on the command line. */
export interface Given {
  /** Texts by flag. */
  string: Record<string, string>;
  /** Numbers by flag. */
  number: Record<string, number>;
  /** Which flags were there. */
  boolean: Record<string, boolean>;
  /** The words without a flag. */
  words: string[];
}

/** Says what is wrong with the arguments in one line, and ends with exit code 2. */
export function refuse(message: string): never {
  console.error(message);
  Deno.exit(2);
}

/** What an example may do only if it is let, and why it wants to. */
const PERMISSIONS = {
  read: {
    descriptor: { name: "read", path: new URL("../../", import.meta.url) },
    why: "each worker loads its modules itself",
  },
  write: { descriptor: { name: "write" }, why: "it keeps files in a folder" },
  run: {
    descriptor: { name: "run" },
    why: "a subprocess is a program of its own",
  },
  net: { descriptor: { name: "net" }, why: "it listens and connects, on this machine only" },
  "sys=hostname": {
    descriptor: { name: "sys", kind: "hostname" },
    why: "a machine's name tells something of it",
  },
  env: { descriptor: { name: "env" }, why: "a subprocess gets what it needs by its environment" },
} as const;

/** Refuses to go on without these permissions; at a terminal, Deno asks for them first. */
export function mustHave(who: string, ...names: (keyof typeof PERMISSIONS)[]): void {
  for (const name of names) {
    const { descriptor, why } = PERMISSIONS[name];
    const { state } = Deno.permissions.requestSync(descriptor);
    if (state !== "granted") refuse(`${who} needs --allow-${name}: ${why}`);
  }
}

/** Says a permission that is missing in one line, wherever the example needs it. */
function tellMissingPermissions(): void {
  const tell = (event: Event, error: unknown): void => {
    for (; error instanceof AggregateError; error = error.errors[0]);
    if (!(error instanceof Deno.errors.NotCapable)) return;
    event.preventDefault();
    refuse(`This example lacks a permission: ${error.message.split("\n")[0]}`);
  };
  addEventListener("error", (event) => tell(event, event.error));
  addEventListener("unhandledrejection", (event) => tell(event, event.reason));
}

/** Reads the command line; prints `help` and ends when asked to, refuses what the example does not know. */
export function readArgs(help: string, flags: Flags = {}): Given {
  tellMissingPermissions();
  const texts = Object.keys(flags.string ?? {});
  const numbers = Object.keys(flags.number ?? {});
  const switches = [...(flags.boolean ?? [])];
  const parsed: Record<string, unknown> = parseArgs(Deno.args, {
    string: [...texts, ...numbers],
    boolean: ["help", ...switches],
    alias: { h: "help" },
    unknown: (arg: string) => {
      if (arg.startsWith("-")) refuse(`Unknown option ${arg}; see --help`);
      if (flags.words === undefined) refuse(`Unexpected argument "${arg}"; see --help`);
      return true;
    },
  });
  if (parsed.help === true) {
    console.log(help.trim());
    Deno.exit(0);
  }
  const given: Given = {
    string: {},
    number: {},
    boolean: {},
    words: (parsed._ as unknown[]).map(String),
  };
  for (const name of texts) {
    const value = parsed[name];
    if (value === "") refuse(`Option --${name} needs a value`);
    given.string[name] = value === undefined ? flags.string![name]! : String(value);
  }
  for (const name of numbers) {
    const text = parsed[name];
    const value = text === undefined ? flags.number![name]! : Number(text);
    if (text === "" || (text !== undefined && !/^\d+$/.test(String(text)))) {
      refuse(`Option --${name} must be a whole number, zero or more; got "${text}"`);
    }
    given.number[name] = value;
  }
  for (const name of switches) given.boolean[name] = parsed[name] === true;
  return given;
}

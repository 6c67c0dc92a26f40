/**
 * What a node tells of itself: JSON, so that any tool can read it, and checked, so that anybody may
 * have written it.
 */
import { isName } from "./names.ts";

/** What a node is doing, and has done. */
export interface NodeHealth {
  /** Its name. */
  readonly node: string;
  /** The machine it is on. */
  readonly host: string;
  /** Its process. */
  readonly pid: number;
  /** How many workers it may have. */
  readonly workers: number;
  /** How many jobs it may have started at a time. */
  readonly concurrency: number;
  /** Jobs that its pool has. */
  readonly running: number;
  /** Jobs that were delivered to it and are not in its pool. */
  readonly buffered: number;
  /** Results it has stored, failures included. */
  readonly done: number;
  /** Of these, those whose function threw, or that could not be carried out. */
  readonly failed: number;
  /** Jobs it has handed back. */
  readonly returned: number;
  /** Messages that it could make nothing of. */
  readonly refused: number;
  /** Results it stored per second, lately. */
  readonly rate: number;
  /** How long it has been up, in milliseconds. */
  readonly uptime: number;
  /** Whether it takes jobs, or only finishes what it has. */
  readonly state: "open" | "closing";
  /** The functions it knows, each as `<hash> <name>`. */
  readonly functions: readonly string[];
}

/** Longer words are not read, in bytes. */
const LONGEST = 256 * 1024;
/** More functions than this are not looked at. */
const MOST_FUNCTIONS = 10_000;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The numbers among what a node tells. */
const NUMBERS = [
  "pid",
  "workers",
  "concurrency",
  "running",
  "buffered",
  "done",
  "failed",
  "returned",
  "refused",
  "rate",
  "uptime",
] as const;

/** Health as it travels. */
export function formatHealth(health: NodeHealth): string {
  return JSON.stringify(health);
}

/** Reads the health that a node with this name tells; `null` if it is none. */
export function parseHealth(node: string, data: Uint8Array): NodeHealth | null {
  if (data.length > LONGEST) return null;
  let told: Record<string, unknown>;
  try {
    told = Object(JSON.parse(utf8.decode(data)));
  } catch {
    return null;
  }
  if (told.node !== node || !isName(node) || typeof told.host !== "string") return null;
  const numbers = {} as Record<typeof NUMBERS[number], number>;
  for (const name of NUMBERS) {
    const n = told[name];
    if (typeof n !== "number" || !Number.isFinite(n) || n < 0) return null;
    numbers[name] = n;
  }
  const { state, functions, host } = told;
  if (state !== "open" && state !== "closing") return null;
  if (!Array.isArray(functions) || functions.length > MOST_FUNCTIONS) return null;
  if (!functions.every((one) => typeof one === "string")) return null;
  return { node, host, state, functions, ...numbers };
}

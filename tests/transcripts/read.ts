/**
 * Reads scenarios.json and golden.json, and refuses what a player would stumble over: unknown steps and
 * fields, names used before they are made, answers that belong to no step.
 */
import {
  type Deviation,
  DEVIATIONS,
  type GoldenLine,
  type Scenario,
  type Step,
  type Transcript,
} from "./scenario.ts";

/** What a field holds. A leading "?" marks one that may be missing, "+" a name that the step makes. */
type Role =
  | "+handle"
  | "+peer"
  | "+registry"
  | "handle"
  | "handles"
  | "peer"
  | "?peer"
  | "?registry"
  | "stream kind"
  | "datagram kind"
  | "poller kind"
  | "count"
  | "mask"
  | "?mask"
  | "milliseconds"
  | "?timeout"
  | "?steps"
  | "?by"
  | "?handle"
  | "?fd";

/** The fields of a union's members, all of them. */
type FieldsOf<T> = T extends unknown ? Exclude<keyof T, "do"> : never;

type StepOf<K extends Step["do"]> = Step extends infer S
  ? S extends { readonly do: infer D } ? K extends D ? S : never : never
  : never;

const TARGET = { handle: "?handle", by: "?by", fd: "?fd" } as const;
const ACCEPT = { from: "handle", as: "+handle" } as const;
const BYTES = { handle: "handle", bytes: "count" } as const;
const PEER = { peer: "peer" } as const;

/** The fields of every step. The type makes sure that it and the union of steps say the same. */
const FIELDS: {
  readonly [K in Step["do"]]: { readonly [F in FieldsOf<StepOf<K>>]: Role };
} = {
  listen: { as: "+handle", kind: "stream kind" },
  connect: { as: "+peer", to: "handle" },
  accept: ACCEPT,
  tryAccept: ACCEPT,
  pair: { kind: "stream kind", as: "+handle", peer: "+peer" },
  peerListen: { as: "+peer", kind: "stream kind" },
  dial: { as: "+handle", to: "peer", peer: "+peer" },
  dialStart: { as: "+handle", to: "peer" },
  socket: { as: "+handle", kind: "stream kind" },
  bind: { as: "+handle", kind: "datagram kind" },
  peerBind: { as: "+peer", kind: "datagram kind", to: "handle" },
  spawn: { peer: "+peer", stdin: "+handle", stdout: "+handle" },
  stdin: { as: "+handle", peer: "+peer" },
  registry: { as: "+registry", kind: "poller kind" },
  register: { ...TARGET, registry: "?registry", mask: "?mask" },
  modify: { ...TARGET, registry: "?registry", mask: "mask" },
  unregister: { ...TARGET, registry: "?registry" },
  poll: { registry: "?registry", timeout: "?timeout", meanwhile: "?steps" },
  select: { read: "handles", write: "handles", except: "handles", timeout: "milliseconds" },
  send: BYTES,
  recv: BYTES,
  recvFrom: BYTES,
  fill: { handle: "handle", peer: "?peer" },
  sendTo: { handle: "handle", peer: "peer", bytes: "count" },
  closeWrite: { handle: "handle" },
  close: { handle: "handle" },
  peerSend: { peer: "peer", bytes: "count" },
  peerRecv: { peer: "peer", bytes: "count" },
  peerDrain: { peer: "peer", handle: "handle" },
  peerUrgent: PEER,
  peerSees: PEER,
  peerCloseRead: PEER,
  peerCloseWrite: PEER,
  peerClose: PEER,
  peerReset: PEER,
  peerExit: PEER,
  peerKill: PEER,
};

const MASK_NAMES = new Set("IN PRI OUT ERR HUP NVAL RDHUP ET ONESHOT".split(" "));

/** The names a scenario has made so far. */
class Names {
  readonly handle: Set<string> = new Set();
  readonly peer: Set<string> = new Set();
  readonly registry: Set<string> = new Set(["P"]);
}

/** Anything that JSON calls an object. */
type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`Cannot read ${where}: not an object`);
  }
  return value as Fields;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`Cannot read ${where}: not a list`);
  return value;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`Cannot read ${where}: no text`);
  }
  return value;
}

function isDeviation(value: unknown): value is Deviation {
  return typeof value === "string" && Object.hasOwn(DEVIATIONS, value);
}

function isMask(value: unknown): boolean {
  if (typeof value === "number" || value === "0") return true;
  return typeof value === "string" && value.split("|").every((name) => MASK_NAMES.has(name));
}

/** Whether `value` can play `role`; `names` has what was made before, and gets what is made here. */
function plays(value: unknown, role: Role, names: Names, where: string): boolean {
  switch (role) {
    case "+handle":
    case "+peer":
    case "+registry":
      return typeof value === "string" && names[role.slice(1) as keyof Names].add(value).has(value);
    case "handle":
    case "?handle":
      return names.handle.has(value as string);
    case "handles":
      return listOf(value, where).every((name) => names.handle.has(name as string));
    case "peer":
    case "?peer":
      return names.peer.has(value as string);
    case "?registry":
      return names.registry.has(value as string);
    case "stream kind":
      return value === "tcp" || value === "unix";
    case "datagram kind":
      return value === "udp" || value === "unixpacket";
    case "poller kind":
      return value === "poll" || value === "epoll";
    case "count":
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case "mask":
    case "?mask":
      return isMask(value);
    case "milliseconds":
      return typeof value === "number" && value >= 0;
    case "?timeout":
    case "?fd":
      return typeof value === "number" || typeof value === "string";
    case "?by":
      return value === "object";
    case "?steps":
      listOf(value, where).forEach((step, index) => parseStep(step, names, `${where}[${index}]`));
      return true;
  }
}

function parseStep(value: unknown, names: Names, where: string): Step {
  const step = fieldsOf(value, where);
  const name = textOf(step.do, `${where}.do`);
  if (!Object.hasOwn(FIELDS, name)) {
    throw new TypeError(`Cannot read ${where}: "${name}" is no step`);
  }
  const roles: Readonly<Record<string, Role>> = FIELDS[name as Step["do"]];
  for (const field of Object.keys(step)) {
    if (field !== "do" && !Object.hasOwn(roles, field)) {
      throw new TypeError(`Cannot read ${where}: ${name} has no "${field}"`);
    }
  }
  for (const [field, role] of Object.entries(roles)) {
    const given = step[field];
    if (given === undefined && role.startsWith("?")) continue;
    if (!plays(given, role, names, `${where}.${field}`)) {
      throw new TypeError(
        `Cannot read ${where}: "${field}" is no ${role.replace(/^[?+]/, "")}: ${
          JSON.stringify(given)
        }`,
      );
    }
  }
  if ("fd" in roles && (step.handle === undefined) === (step.fd === undefined)) {
    throw new TypeError(`Cannot read ${where}: ${name} wants either "handle" or "fd"`);
  }
  return step as unknown as Step;
}

function parseScenario(value: unknown, where: string): Scenario {
  const fields = fieldsOf(value, where);
  const name = textOf(fields.name, `${where}.name`);
  const deviations = listOf(fields.deviations, `${name}: deviations`);
  const unknown = deviations.find((deviation) => !isDeviation(deviation));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot read "${name}": ${JSON.stringify(unknown)} is no deviation`);
  }
  const names = new Names();
  return {
    name,
    kind: textOf(fields.kind, `${name}: kind`),
    about: textOf(fields.about, `${name}: about`),
    deviations: deviations.filter(isDeviation),
    steps: listOf(fields.steps, `${name}: steps`)
      .map((step, index) => parseStep(step, names, `${name}: steps[${index}]`)),
  };
}

/**
 * Turns the contents of a scenario file into scenarios.
 *
 * @throws {TypeError} If a player could not play them.
 */
export function parseScenarios(value: unknown): readonly Scenario[] {
  const scenarios = listOf(value, "scenarios")
    .map((scenario, index) => parseScenario(scenario, `scenarios[${index}]`));
  const names = new Set(scenarios.map(({ name }) => name));
  if (names.size < scenarios.length) {
    throw new TypeError("Cannot read scenarios: a name is used twice");
  }
  return scenarios;
}

/**
 * Joins each scenario with its golden answers.
 *
 * @throws {TypeError} If they were not recorded from these scenarios.
 */
export function joinGolden(scenarios: readonly Scenario[], golden: unknown): readonly Transcript[] {
  const recorded = fieldsOf(golden, "golden answers");
  if (Object.keys(recorded).length !== scenarios.length) {
    throw new TypeError("Cannot join golden answers: record them anew");
  }
  return scenarios.map((scenario) => {
    const lines = listOf(recorded[scenario.name], `golden answers of "${scenario.name}"`)
      .map((line, index) =>
        fieldsOf(line, `${scenario.name}: line ${index}`) as unknown as GoldenLine
      );
    for (const line of lines) {
      const step = scenario.steps[line.step];
      const said = line.meanwhile === undefined || step?.do !== "poll"
        ? step
        : step.meanwhile?.[line.meanwhile];
      if (said?.do !== line.do) {
        throw new TypeError(
          `Cannot join golden answers of "${scenario.name}": step ${line.step} is no ${line.do}`,
        );
      }
    }
    return { scenario, golden: lines };
  });
}

/** Reads all transcripts from the files beside this one. */
export async function readTranscripts(): Promise<readonly Transcript[]> {
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await Deno.readTextFile(new URL(name, import.meta.url)));
  return joinGolden(parseScenarios(await read("scenarios.json")), await read("golden.json"));
}

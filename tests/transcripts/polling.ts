/** The registries of a scenario, and the steps that speak to them. */
import {
  type EventRegistry,
  fileno,
  poll,
  POLLET,
  type PollEvent,
  POLLONESHOT,
  select,
} from "@weft/weft";
import { delay } from "@std/async/delay";
import {
  ARRIVAL,
  maskOf,
  readyText,
  type Said,
  settled,
  type StepOf,
  STILL,
  waitedField,
} from "./said.ts";
import type { GoldenLine, Target } from "./scenario.ts";
import type { Stage, Thing } from "./stage.ts";

/** A registry, and for edges the one they are settled on. */
interface Registry {
  readonly poller: EventRegistry;
  readonly level: EventRegistry | null;
  readonly names: Map<number, string>;
}

/** The registries by name. */
export class Registries implements Disposable {
  readonly #stage: Stage;
  readonly #all = new Map<string, Registry>([["P", newRegistry("poll")]]);

  /** One registry, "P", over the handles of a stage. */
  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Makes another one. */
  make(step: StepOf<"registry">): void {
    this.#close(step.as);
    this.#all.set(step.as, newRegistry(step.kind));
  }

  /** Closes all. */
  [Symbol.dispose](): void {
    for (const name of this.#all.keys()) this.#close(name);
  }

  /** Registers, modifies or unregisters. */
  async registration(step: StepOf<"register" | "modify" | "unregister">): Promise<void> {
    const { poller, level, names } = this.#registry(step);
    const target = this.#target(step);
    for (const registry of level === null ? [poller] : [poller, level]) {
      const mask = "mask" in step && step.mask !== undefined ? maskOf(step.mask) : undefined;
      const given = registry === level && mask !== undefined
        ? mask & ~(POLLET | POLLONESHOT)
        : mask;
      if (step.do === "unregister") registry.unregister(target);
      else if (step.do === "modify") registry.modify(target, given!);
      else if (given === undefined) registry.register(target);
      else registry.register(target, given);
    }
    if (step.do === "register") {
      names.set(numberOf(target), "handle" in step ? step.handle : `fd${step.fd}`);
    }
    await null;
  }

  /** Polls; `beside` does the steps beside a poll that waits. */
  async poll(
    step: StepOf<"poll">,
    expected: GoldenLine | undefined,
    beside: () => Promise<void>,
  ): Promise<Said> {
    const { poller, level, names } = this.#registry(step);
    const tell = (events: PollEvent[]): Said => ({ ready: readyText(events, names) });
    if (step.timeout === undefined && step.meanwhile === undefined) {
      if (level === null) {
        return await settled(
          async () => tell(await poller.poll(0)),
          (said) => said.ready === expected?.ready,
        );
      }
      await stilled(level);
      return tell(await poller.poll(0));
    }
    if (step.timeout !== 0) await delay(ARRIVAL);
    const timeout = step.timeout === "wait" ? [] : [step.timeout as number];
    const begin = performance.now();
    const polling = poller.poll(...timeout).then(tell);
    const besides = beside();
    try {
      const end = await time(polling);
      const said = await polling;
      return { ...waitedField(step.timeout, begin, end, said.ready !== ""), ...said };
    } finally {
      await besides;
    }
  }

  /** Calls `select`. */
  async select(step: StepOf<"select">, expected: GoldenLine | undefined): Promise<Said> {
    const lists = [step.read, step.write, step.except].map((names) =>
      names.map((name) => this.#stage.subject(name).thing)
    );
    const nameOf = (thing: Thing): string => {
      for (const [name, subject] of this.#stage.subjects) if (subject.thing === thing) return name;
      return "?";
    };
    const once = async (): Promise<Said> => {
      const begin = performance.now();
      const ready = await select(lists[0]!, lists[1]!, lists[2]!, step.timeout);
      const end = performance.now();
      const [read, write, except] = ready.map((list) => list.map(nameOf).sort().join(" "));
      return {
        ...waitedField(step.timeout, begin, end, ready.some((list) => list.length > 0)),
        read: read!,
        write: write!,
        except: except!,
      };
    };
    await delay(ARRIVAL);
    if (step.timeout > 0) return await once();
    return await settled(
      once,
      (said) =>
        (["read", "write", "except"] as const).every((key) => said[key] === expected?.[key]),
    );
  }

  #close(name: string): void {
    this.#all.get(name)?.poller.close();
    this.#all.get(name)?.level?.close();
  }

  #registry(step: { readonly registry?: string }): Registry {
    return this.#all.get(step.registry ?? "P")!;
  }

  #target(step: Target): number | Thing {
    if ("fd" in step) return step.fd as number;
    const { thing } = this.#stage.subject(step.handle);
    return step.by === "object" ? thing : numberOf(thing);
  }
}

function newRegistry(kind: "poll" | "epoll"): Registry {
  return { poller: poll(), level: kind === "epoll" ? poll() : null, names: new Map() };
}

function numberOf(target: number | Thing): number {
  return typeof target === "object" ? fileno(target.handle) : target;
}

/** Lets everything that is under way arrive, as far as a level-triggered registry shows it. */
async function stilled(level: EventRegistry): Promise<void> {
  for (let looks = 0; looks < 4; looks++) {
    await level.poll(0);
    await delay(STILL);
  }
}

async function time(polling: PromiseLike<unknown>): Promise<number> {
  await polling;
  return performance.now();
}

/**
 * A timeline played back: for each task the states it went through, and what went on beside them.
 *
 * The states of a lane tile its life: each begins where the one before ended. A task whose first events
 * were dropped begins with the first state that is known of it.
 */
import { checkMethods } from "../kernel/checks.ts";
import { printable } from "../kernel/printable.ts";
import { Kind, type Timeline } from "./timeline.ts";

/** A state that lasts. */
export type LaneState = "new" | "ready" | "running" | "waiting";

/** A stay in one state. */
export interface Stay {
  /** Which. */
  readonly state: LaneState;
  /** Since when, in milliseconds. */
  readonly from: number;
  /** Until when. */
  to: number;
  /** What it waited on. */
  readonly on?: string;
}

/** One task's life. */
export interface Lane {
  readonly id: number;
  readonly name: string;
  /** Its states, one after the other. */
  readonly stays: Stay[];
  /** When it ended; `undefined` while it lives. */
  ended: number | undefined;
}

/** One task made another ready. */
interface Wake {
  /** When. */
  readonly at: number;
  /** The id of the waker. */
  readonly by: number;
  /** The id of the woken. */
  readonly woken: number;
}

/** A value from some moment on. */
export interface Level {
  /** When. */
  readonly at: number;
  /** The value from then on. */
  readonly value: number;
}

/** Something that took its time beside the tasks. */
interface Aside {
  /** Whether it is a pass of a registry or a job of a worker. */
  readonly kind: "poll" | "job";
  /** The name of the registry or of the worker. */
  readonly where: string;
  /** What. */
  readonly what: string;
  /** Since when. */
  readonly from: number;
  /** Until when. */
  readonly to: number;
}

/** A whole timeline, played back. */
export interface Playback {
  /** Each task's life, in the order of their ids. */
  readonly lanes: readonly Lane[];
  /** Who woke whom. */
  readonly wakes: readonly Wake[];
  /** How many tasks were ready. */
  readonly ready: readonly Level[];
  /** Bytes in, counted from the beginning. */
  readonly bytesIn: readonly Level[];
  /** Bytes out, counted likewise. */
  readonly bytesOut: readonly Level[];
  /** Poll passes and jobs of workers. */
  readonly asides: readonly Aside[];
  /** Events that were dropped before the first of these. */
  readonly dropped: number;
  /** The first moment. */
  readonly from: number;
  /** The last moment. */
  readonly to: number;
}

/** A task while it is played back. */
class Player {
  readonly lane: Lane;
  #state: LaneState | undefined;
  #since = 0;
  #on: string | undefined;
  /** Whether it was made ready during its own step: it ceded. */
  #hasCeded = false;

  constructor(id: number, name: string) {
    this.lane = { id, name, stays: [], ended: undefined };
  }

  /** Goes over to a state. */
  enter(state: LaneState, at: number): void {
    this.leave(at);
    this.#state = state;
    this.#since = at;
  }

  /** Ends the state it is in. */
  leave(at: number): void {
    const state = this.#state;
    if (state === undefined) return;
    const on = state === "waiting" ? this.#on : undefined;
    this.lane.stays.push({
      state,
      from: this.#since,
      to: Math.max(at, this.#since),
      ...(on === undefined ? {} : { on }),
    });
    this.#state = undefined;
  }

  /** It was made ready. */
  ready(at: number): void {
    if (this.#state === "running") this.#hasCeded = true;
    else this.enter("ready", at);
  }

  /** It began to wait on something; the step goes on to its end. */
  waits(on: string): void {
    this.#on = on;
  }

  /** Its step is over. */
  stepEnds(at: number): void {
    if (this.lane.ended !== undefined) return;
    const on = this.#on;
    this.enter(this.#hasCeded ? "ready" : "waiting", at);
    if (!this.#hasCeded) this.#on = on ?? "a foreign await";
    this.#hasCeded = false;
  }

  stepBegins(at: number): void {
    this.enter("running", at);
    this.#on = undefined;
    this.#hasCeded = false;
  }

  /** It has ended. */
  exits(at: number): void {
    this.leave(at);
    this.lane.ended = at;
  }
}

/** Plays a timeline back. */
export function lanesOf(timeline: Timeline): Playback {
  checkMethods(timeline, ["events", "statistics"], "a timeline");
  const players = new Map<number, Player>();
  const wakes: Wake[] = [];
  const bytesIn: Level[] = [];
  const bytesOut: Level[] = [];
  const asides: Aside[] = [];
  const changes: { at: number; by: number }[] = [];
  const ready = new Set<number>();
  let from = Infinity;
  let to = -Infinity;

  const playerOf = (id: number): Player => {
    let player = players.get(id);
    if (player === undefined) {
      players.set(id, player = new Player(id, printable(timeline.nameOf(id))));
    }
    return player;
  };
  const leaveReady = (id: number, at: number): void => {
    if (ready.delete(id)) changes.push({ at, by: -1 });
  };

  for (const { at, kind, who, detail } of timeline.events()) {
    from = Math.min(from, kind >= Kind.polled ? who : at);
    to = Math.max(to, at);
    if (kind === Kind.bytesIn) bytesIn.push({ at, value: detail });
    else if (kind === Kind.bytesOut) bytesOut.push({ at, value: detail });
    else if (kind === Kind.polled || kind === Kind.worked) {
      const [where = "…", what = "…"] = timeline.word(detail).split("\n");
      asides.push({ kind: kind === Kind.polled ? "poll" : "job", where, what, from: who, to: at });
    } else {
      const player = playerOf(who);
      if (kind === Kind.spawned) player.enter("new", at);
      else if (kind === Kind.ready) {
        player.ready(at);
        if (!ready.has(who)) changes.push({ at, by: 1 });
        ready.add(who);
        if (detail !== 0 && detail !== who) wakes.push({ at, by: detail, woken: who });
      } else if (kind === Kind.begin) {
        leaveReady(who, at);
        player.stepBegins(at);
      } else if (kind === Kind.waits) player.waits(timeline.word(detail));
      else if (kind === Kind.ends) player.stepEnds(at);
      else {
        leaveReady(who, at);
        player.exits(at);
      }
    }
  }

  const now = players.size === 0 ? 0 : Math.max(to, timeline.now());
  const isOver = [...players.values()].every(({ lane }) => lane.ended !== undefined);
  if (!isOver) { for (const player of players.values()) player.leave(now); }
  return {
    lanes: [...players.values()].map(({ lane }) => lane).sort((a, b) => a.id - b.id),
    wakes,
    ready: levels(changes, ready.size),
    bytesIn,
    bytesOut,
    asides,
    dropped: timeline.statistics().dropped,
    from: from === Infinity ? 0 : from,
    to: from === Infinity ? 0 : isOver ? to : now,
  };
}

/** Changes as levels that end at `last`: so the first one is right also where earlier ones were dropped. */
function levels(changes: readonly { at: number; by: number }[], last: number): Level[] {
  let value = last - changes.reduce((sum, { by }) => sum + by, 0);
  return changes.map(({ at, by }) => ({ at, value: value += by }));
}

/**
 * Where weft answers otherwise than CPython's poller, line by line, and why.
 *
 * Whatever is not listed here must be equal, and what is listed must be just so: each entry is a test. The
 * reasons are those of `scenario.ts`, and the few below, which weft's own design brings with it.
 */
import { type Deviation, type DeviationCause, DEVIATIONS, type GoldenLine } from "./scenario.ts";

/** Reasons beside those that the scenarios foresee. */
export const FURTHER = {
  "one-is-held": {
    cause: "forced",
    why:
      `A listener holds one connection and a datagram socket one datagram; the next is asked of Deno when
      that has been taken. So what comes behind it is no edge before, and one after.`,
  },
  "room-is-news": {
    cause: "chosen",
    why:
      `OUT goes while a send is on its way and comes back when it is out: for an edge-triggered descriptor that
      is news. Linux has such an edge only after a send that did not fit. One edge too many does no harm.`,
  },
  "refusal-comes-later": {
    cause: "forced",
    why:
      `trySendTo cannot wait for Deno's send to reject. The error shows as ERR, and is thrown by the next call.`,
  },
  "break-stays": {
    cause: "chosen",
    why:
      `Once a connection has broken every receive says so. On Linux the first one takes the error, and later
      ones read an end of stream, as if the peer had finished.`,
  },
} as const satisfies Record<string, { readonly cause: DeviationCause; readonly why: string }>;

/** Why something deviates. */
export type Reason = Deviation | keyof typeof FURTHER;

/** The reasons with their texts. */
export const REASONS: Record<Reason, { readonly cause: DeviationCause; readonly why: string }> = {
  ...DEVIATIONS,
  ...FURTHER,
};

/** What weft says in place of a golden line; `silent` if it says nothing there. */
export type OtherLine = GoldenLine & { readonly silent?: true };

/** A scenario that weft plays with other answers. */
export interface Deviating {
  /** Why. */
  readonly because: readonly Reason[];
  /** The lines that differ. */
  readonly lines: readonly OtherLine[];
}

/** Scenarios that cannot be played, because a step has no counterpart on Deno. */
export const UNPLAYABLE: Readonly<Record<string, Reason>> = {
  "tcp listener: the peer resets before accept": "accept-of-a-reset-connection",
  "tcp: refused": "no-attempt-under-way",
  "tcp: connection attempt under way": "no-attempt-under-way",
  "tcp: a new socket, never connected": "no-attempt-under-way",
};

/** Scenarios that weft plays with other answers. */
export const DEVIATING: Readonly<Record<string, Deviating>> = {
  "tcp listener: closed with connections waiting": {
    because: ["closing-a-listener-drops-the-held-connection"],
    lines: [
      { step: 6, do: "peerSees", result: "EOF" },
    ],
  },
  "unix listener: closed with connections waiting": {
    because: ["closing-a-listener-drops-the-held-connection"],
    lines: [
      { step: 6, do: "peerSees", result: "EOF" },
    ],
  },
  "tcp: reset": {
    because: ["break-stays"],
    lines: [
      { step: 7, do: "recv", raised: "ECONNRESET" },
    ],
  },
  "tcp: reset, found by a send": {
    because: ["break-stays"],
    lines: [
      { step: 7, do: "recv", raised: "ECONNRESET" },
    ],
  },
  "tcp: urgent byte": {
    because: ["no-urgent-data"],
    lines: [
      { step: 4, do: "poll", ready: "S=OUT" },
      { step: 6, do: "poll", ready: "S=IN|OUT" },
    ],
  },
  "tcp: urgent byte with only PRI asked": {
    because: ["no-urgent-data"],
    lines: [
      { step: 5, do: "poll", ready: "" },
    ],
  },
  "tcp: half-close with RDHUP asked": {
    because: ["no-rdhup"],
    lines: [
      { step: 4, do: "poll", ready: "" },
      { step: 6, do: "poll", ready: "" },
      { step: 1, do: "register", raised: "ValueError" },
    ],
  },
  "tcp: peer closes with data unread": {
    because: ["break-stays"],
    lines: [
      { step: 8, do: "recv", raised: "ECONNRESET" },
    ],
  },
  "tcp: closed by this side with data unread": {
    because: ["deno-closes-with-end-of-stream"],
    lines: [
      { step: 6, do: "peerSees", result: "EOF" },
    ],
  },
  "unix: peer shuts down its reading": {
    because: ["hup-needs-a-probe"],
    lines: [
      { step: 3, do: "poll", ready: "S=IN|OUT|HUP" },
      { step: 5, do: "poll", ready: "S=IN|OUT|HUP" },
      { step: 7, do: "poll", ready: "S=IN|OUT|HUP" },
    ],
  },
  "unix: peer closes with data unread": {
    because: ["break-stays"],
    lines: [
      { step: 8, do: "recv", raised: "ECONNRESET" },
    ],
  },
  "unix: half-close with RDHUP asked": {
    because: ["no-rdhup"],
    lines: [
      { step: 4, do: "poll", ready: "" },
      { step: 6, do: "poll", ready: "" },
      { step: 1, do: "register", raised: "ValueError" },
    ],
  },
  "unix: closed by this side with data unread": {
    because: ["unread-data-is-in-the-read-ahead"],
    lines: [
      { step: 6, do: "peerSees", result: "EOF" },
    ],
  },
  "unix: full send buffer, own half-close": {
    because: ["half-close-waits-for-the-probe"],
    lines: [
      { step: 5, do: "poll", ready: "S=OUT" },
    ],
  },
  "udp: too long": {
    because: ["refusal-comes-later"],
    lines: [
      { step: 3, do: "sendTo", result: 70000 },
      { step: 4, do: "poll", ready: "U=OUT|ERR" },
    ],
  },
  "unixpacket: sent to a closed peer": {
    because: ["refusal-comes-later"],
    lines: [
      { step: 4, do: "sendTo", result: 5 },
      { step: 5, do: "poll", ready: "U=OUT|ERR" },
      { step: 6, do: "sendTo", raised: "ECONNRESET" },
    ],
  },
  "unixpacket: too long": {
    because: ["refusal-comes-later"],
    lines: [
      { step: 3, do: "sendTo", result: 4000000 },
      { step: 4, do: "poll", ready: "U=OUT|ERR" },
    ],
  },
  "unixpacket: the peer's queue is full": {
    because: ["unixpacket-send-waits"],
    lines: [
      { step: 5, do: "poll", ready: "" },
      { step: 7, do: "poll", ready: "" },
      { step: 10, do: "poll", ready: "" },
    ],
  },
  "pipe: writer closes, mask 0": {
    because: ["hup-behind-unread-data"],
    lines: [
      { step: 5, do: "poll", ready: "" },
    ],
  },
  "pipe: the child exits": {
    because: ["pipe-has-no-probe", "send-is-buffered"],
    lines: [
      { step: 5, do: "poll", ready: "R=HUP W=OUT" },
      { step: 7, do: "poll", ready: "R=HUP W=OUT" },
      { step: 8, do: "send", result: 1 },
    ],
  },
  "pipe: the child is killed": {
    because: ["pipe-has-no-probe"],
    lines: [
      { step: 6, do: "poll", ready: "R=IN|HUP W=OUT" },
      { step: 8, do: "poll", ready: "R=HUP W=OUT" },
    ],
  },
  "pipe: write end full, then drained": {
    because: ["fullness"],
    lines: [
      { step: 8, do: "poll", ready: "" },
    ],
  },
  "pipe: reader gone": {
    because: ["pipe-has-no-probe", "send-is-buffered"],
    lines: [
      { step: 3, do: "poll", ready: "W=OUT" },
      { step: 4, do: "poll", ready: "W=OUT" },
      { step: 5, do: "send", result: 1 },
    ],
  },
  "pipe: reader gone while full": {
    because: ["fullness"],
    lines: [
      { step: 5, do: "poll", ready: "W=OUT|ERR" },
      { step: 7, do: "poll", ready: "W=OUT|ERR" },
    ],
  },
  "pipe: reader gone, mask 0": {
    because: ["pipe-has-no-probe"],
    lines: [
      { step: 4, do: "poll", ready: "" },
      { step: 6, do: "poll", ready: "" },
    ],
  },
  "registry: bad masks": {
    because: ["unknown-bits"],
    lines: [
      { step: 9, do: "poll", ready: "" },
      { step: 4, do: "register", raised: "ValueError" },
      { step: 7, do: "modify", raised: "ValueError" },
    ],
  },
  "registry: a closed handle by its object": {
    because: ["numbers-are-wefts-own"],
    lines: [
      { step: 5, do: "unregister", silent: true },
      { step: 6, do: "poll", ready: "" },
      { step: 7, do: "unregister", raised: "KeyError" },
    ],
  },
  "registry: the number of a closed handle used again": {
    because: ["numbers-are-never-used-again"],
    lines: [
      { step: 8, do: "poll", ready: "A=NVAL" },
      { step: 10, do: "poll", ready: "A=NVAL" },
    ],
  },
  "registry: closed while polled": {
    because: ["closing-wakes-the-poll"],
    lines: [
      { step: 2, meanwhile: 1, do: "peerSees", result: "EOF" },
      { step: 2, do: "poll", waited: false, ready: "S=NVAL" },
    ],
  },
  "registry: listener closed while polled": {
    because: ["closing-wakes-the-poll"],
    lines: [
      { step: 2, do: "poll", waited: false, ready: "L=NVAL" },
    ],
  },
  "registry: datagram socket closed while polled": {
    because: ["closing-wakes-the-poll"],
    lines: [
      { step: 2, do: "poll", waited: false, ready: "U=NVAL" },
    ],
  },
  "registry: pipe closed while polled": {
    because: ["closing-wakes-the-poll"],
    lines: [
      { step: 2, do: "poll", waited: false, ready: "R=NVAL" },
    ],
  },
  "registry: registered while polled": {
    because: ["changes-take-effect-at-once"],
    lines: [
      { step: 4, do: "poll", waited: false, ready: "T=IN" },
    ],
  },
  "registry: modified while polled": {
    because: ["changes-take-effect-at-once"],
    lines: [
      { step: 2, do: "poll", waited: false, ready: "S=OUT" },
    ],
  },
  "registry: unregistered while polled": {
    because: ["changes-take-effect-at-once"],
    lines: [
      { step: 2, do: "poll", waited: true, ready: "" },
    ],
  },
  "select: hang-up and error on pipes": {
    because: ["pipe-has-no-probe"],
    lines: [
      { step: 3, do: "select", read: "R", write: "W", except: "" },
    ],
  },
  "select: urgent byte": {
    because: ["no-urgent-data"],
    lines: [
      { step: 2, do: "select", read: "", write: "S", except: "" },
    ],
  },
  "epoll: edge, writable": {
    because: ["room-is-news"],
    lines: [
      { step: 6, do: "poll", ready: "S=OUT" },
    ],
  },
  "epoll: edge, listener": {
    because: ["one-is-held"],
    lines: [
      { step: 8, do: "poll", ready: "" },
      { step: 10, do: "poll", ready: "L=IN" },
    ],
  },
  "epoll: edge, datagrams": {
    because: ["one-is-held"],
    lines: [
      { step: 8, do: "poll", ready: "" },
      { step: 10, do: "poll", ready: "U=IN" },
    ],
  },
  "stdin: mask 0": {
    because: ["hup-behind-unread-data"],
    lines: [
      { step: 5, do: "poll", ready: "" },
    ],
  },
};

/** The rows of whole connections: what the life of one costs, and what one takes that says nothing. */
import { ask, type Peer, script } from "./children.ts";
import type { Contender, Figure, Row } from "./harness.ts";

const plain = script("peers/connection_plain_peer.ts");
const weft = script("weft_connection_peer.ts");

/** Lives in one sample. */
const LIVES = 4000;
/** Connections that are idle at once: each takes a descriptor in either process. */
const IDLE = 4000;

function takes(peer: Peer, work: string, n: number): Contender {
  return () => ask(peer, work, n);
}

const lanes = ["weft function*", "weft async function*"] as const;

/** The rows. */
export const connectionRows: readonly Row[] = [
  {
    name: "connect-life: connect, 5 bytes there and back, close, processor time of both ends",
    unit: "ns",
    baseline: "plain",
    contenders: {
      "plain": takes(plain, "life", LIVES),
      "weft function*": takes(weft, "life-fast", LIVES),
      "weft async function*": takes(weft, "life-async", LIVES),
    },
    figures: lanes.map((of): Figure => ({ of, against: "plain", atLeast: 0.97 })),
  },
  {
    name: "idle-memory: an idle connection at its server",
    unit: "bytes",
    baseline: "plain",
    contenders: {
      "plain": takes(plain, "idle", IDLE),
      "weft function*": takes(weft, "idle-fast", IDLE),
      "weft async function*": takes(weft, "idle-async", IDLE),
    },
    figures: [
      { of: "weft function*", atMost: 5000 },
      { of: "weft async function*", atMost: 8000 },
    ],
  },
];

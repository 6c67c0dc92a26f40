/**
 * SNTP (RFC 4330): how a clock asks another one what time it is.
 *
 * A datagram takes its time, so the answer is late by an unknown part of the way. With four times it can be
 * reckoned out: t1 when the question left (the client's clock), t2 when it came and t3 when the answer left
 * (the server's), t4 when that came (the client's). If both ways take as long, the clocks differ by
 * ((t2 − t1) + (t3 − t4)) / 2, and (t4 − t1) − (t3 − t2) is the time on the way.
 *
 * Times are seconds since 1900 with 32 bits of fraction. In 2036 the seconds begin again at 0; differences,
 * taken in 64 bits with a sign, stay right.
 */

/** A message's length in bytes. */
const LENGTH = 48;
/** Seconds from 1900 to 1970. */
const SECONDS_TO_1970 = 2_208_988_800n;

/** Where the parts of a message stand. */
const STRATUM = 1;
const POLL = 2;
const PRECISION = 3;
const REFERENCE_ID = 12;
const REFERENCE = 16;
const ORIGINATE = 24;
const RECEIVE = 32;
const TRANSMIT = 40;

/** Who sends a message. */
const SYMMETRIC = 1;
const CLIENT = 3;
const SERVER = 4;

/** The version we ask with, and the last that we answer. */
const VERSION = 4;
/** The clock of a computer that has no better one: first in its hierarchy, for want of another. */
const LOCAL = new TextEncoder().encode("LOCL");
/** Our clock's resolution as a power of two: 2^-20 s is about a microsecond. */
const RESOLUTION = -20;
/** The leap indicator of a clock that is not set. */
const UNSET = 3;

/** Now, as network time. */
export function networkTime(): bigint {
  const nanoseconds = Temporal.Now.instant().epochNanoseconds;
  const fractions = (nanoseconds << 32n) / 1_000_000_000n;
  return BigInt.asUintN(64, fractions + (SECONDS_TO_1970 << 32n));
}

/** The seconds of network time, as RFC 868 has them: 4 bytes. */
export function wholeSeconds(): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Number(networkTime() >> 32n));
  return bytes;
}

/** What a server answers; `null` for what is no question. */
export function answerTo(question: Uint8Array, came: bigint): Uint8Array | null {
  if (question.length < LENGTH) return null;
  const asked = viewOf(question);
  const { version, mode } = firstByte(asked);
  if (version < 1 || version > VERSION || (mode !== CLIENT && mode !== SYMMETRIC)) return null;
  const answer = new Uint8Array(LENGTH);
  const view = viewOf(answer);
  view.setUint8(0, version << 3 | SERVER);
  view.setUint8(STRATUM, 1);
  view.setUint8(POLL, asked.getUint8(POLL));
  view.setInt8(PRECISION, RESOLUTION);
  answer.set(LOCAL, REFERENCE_ID);
  view.setBigUint64(REFERENCE, came);
  view.setBigUint64(ORIGINATE, asked.getBigUint64(TRANSMIT));
  view.setBigUint64(RECEIVE, came);
  view.setBigUint64(TRANSMIT, networkTime());
  return answer;
}

/** A client's question. */
export function question(left: bigint): Uint8Array {
  const bytes = new Uint8Array(LENGTH);
  viewOf(bytes).setUint8(0, VERSION << 3 | CLIENT);
  viewOf(bytes).setBigUint64(TRANSMIT, left);
  return bytes;
}

/** By how much the clocks differ, and how long the way was, in milliseconds. */
export interface Comparison {
  /** What has to be added to our clock. */
  readonly offset: number;
  /** The time on the way, there and back. */
  readonly delay: number;
}

/**
 * Reads a server's answer.
 *
 * @throws {RangeError} If it is none that tells the time.
 */
export function compare(answer: Uint8Array, left: bigint, came: bigint): Comparison {
  if (answer.length < LENGTH) throw new RangeError(`it has only ${answer.length} bytes`);
  const view = viewOf(answer);
  const { leap, mode } = firstByte(view);
  if (mode !== SERVER) throw new RangeError(`its mode is ${mode}, not a server's`);
  if (view.getBigUint64(ORIGINATE) !== left) throw new RangeError("it answers another question");
  if (leap === UNSET) throw new RangeError("the server's clock is not set");
  if (view.getUint8(STRATUM) === 0) throw new RangeError("the server wants to be left alone");
  const sent = view.getBigUint64(TRANSMIT);
  if (sent === 0n) throw new RangeError("it does not say when it was sent");
  const received = view.getBigUint64(RECEIVE);
  return {
    offset: (between(left, received) + between(came, sent)) / 2,
    delay: between(left, came) - between(received, sent),
  };
}

/** The milliseconds from one time to another. */
function between(from: bigint, to: bigint): number {
  return Number(BigInt.asIntN(64, to - from)) / 2 ** 32 * 1000;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function firstByte(view: DataView): { leap: number; version: number; mode: number } {
  const byte = view.getUint8(0);
  return { leap: byte >> 6, version: byte >> 3 & 7, mode: byte & 7 };
}

/**
 * The work itself, apart from how it is scheduled: a computation, a question with its answer, and the
 * checksum that every engine has to arrive at.
 *
 * All results are whole numbers below 2^32 and are added up modulo 2^32. A sum does not depend on the
 * order in which tasks end, but does change when one is lost, done twice, or given another's answer.
 */
/** Up to where the computation looks for primes: some milliseconds of work. */
export const LIMIT = 1_000_000;
/** How many primes there are below {@linkcode LIMIT}. */
const PRIMES = 78_498;
/** Bytes of one echo request. */
export const MESSAGE_BYTES = 64;
/** Bytes of a question to the delay server, and of its answer. */
export const WORD_BYTES = 4;

/**
 * The computation: sieves the odd numbers, counts the primes to check itself, and gives one of them,
 * which one depends on `id`.
 */
export function compute(id: number): number {
  const wanted = id % PRIMES;
  const composite = new Uint8Array(LIMIT / 2); // index i stands for 2i + 1
  let count = 1; // two
  let result = 2;
  for (let i = 1; i < composite.length; i++) {
    if (composite[i] === 1) continue;
    const prime = 2 * i + 1;
    if (count++ === wanted) result = prime;
    for (let j = (prime * prime - 1) / 2; j < composite.length; j += prime) composite[j] = 1;
  }
  if (count !== PRIMES) throw new Error(`Computation went wrong: ${count} primes below ${LIMIT}`);
  return result;
}

/** What the delay server answers: the question, well stirred, and no question leads to 0. */
export function answerTo(question: number): number {
  let word = (question + 0x9e37_79b9) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x045d_9f3b);
  return ((word ^ (word >>> 13)) >>> 0) || 1;
}

/** How many milliseconds the delay server takes over a question: 2 to 8. */
export function delayFor(question: number): number {
  return 2 + answerTo(question) % 7;
}

/** A number as it travels. */
export function encode(word: number, bytes: number = WORD_BYTES): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(bytes);
  new DataView(message.buffer).setUint32(0, word);
  return message;
}

/** The number in a message. */
export function decode(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(0);
}

/** What an echo client says in one of its rounds. */
export function saying(id: number, round: number): number {
  return answerTo(id * 65_536 + round);
}

/** Adds up two results. */
export function add(a: number, b: number): number {
  return (a + b) >>> 0;
}

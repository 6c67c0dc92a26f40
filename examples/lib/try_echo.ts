/** The self-test of a stream echo server: two clients, of which the first takes its time. */
import { all, type Operation, readFrame, sleep, type Socket, writeFrame } from "@weft/weft";
import { decode, encode } from "./bytes.ts";

/** How long the slow client thinks, in milliseconds. */
const THINKS_MS = 100;

/** Talks to a server through sockets that `dial` makes, in bytes or frames; throws if an answer is wrong. */
export async function* tryEcho(dial: () => Operation<Socket>, isFramed = false) {
  const began = performance.now();
  async function* ask(socket: Socket, word: string) {
    if (!isFramed) {
      yield* socket.sendAll(encode(word));
      return yield* socket.recvExactly(word.length);
    }
    yield* writeFrame(socket, encode(word));
    return yield* readFrame(socket);
  }
  async function* say(socket: Socket, name: string, word: string) {
    const answer = decode((yield* ask(socket, word))!);
    const ms = Math.round(performance.now() - began);
    console.log(`${name}: ${word} -> ${answer}, ${ms} ms after the start`);
    if (answer !== word.toUpperCase()) throw new Error(`Wrong answer to ${word}: ${answer}`);
  }
  yield* all([
    async function* () {
      using socket = yield* dial();
      console.log(`slow:  connected, thinks for ${THINKS_MS} ms`);
      yield* sleep(THINKS_MS);
      yield* say(socket, "slow ", "good-bye");
    },
    async function* () {
      yield* sleep(THINKS_MS / 5);
      using socket = yield* dial();
      yield* say(socket, "quick", "hello");
      yield* say(socket, "quick", "again");
    },
  ]);
}

/** Reads that are given up at random times: whatever is cancelled whenever, no byte is lost. */
import { assert, assertEquals } from "@std/assert";
import { moveOnAfter, run, sleep, spawn } from "@weft/weft";
import { checkPattern, pattern, seeded, tcpPair } from "./sockets.ts";

/** Reads so many times, each under a random time limit, and compares what has come with what was sent. */
export function playTimeouts(rounds: number): Promise<void> {
  return run(async function* () {
    const [server, client] = yield* tcpPair();
    const random = seeded(11);
    let sent = 0;
    let isOver = false;
    spawn(async function* sender() {
      while (!isOver) {
        const part = pattern(1 + random(700), sent);
        yield* server.sendAll(part);
        sent += part.length;
        if (random(3) === 0) yield* sleep(random(2));
        else yield;
      }
      server.close();
    });
    let received = 0;
    let fired = 0;
    for (let round = 0; round < rounds; round++) {
      const n = 1 + random(1000);
      const exactly = random(2) === 0;
      const read = exactly ? client.recvExactly(n) : client.recv(n);
      const bytes = yield* moveOnAfter(random(3) === 0 ? 0 : random(20) / 10, read);
      if (bytes === undefined) {
        fired++;
      } else {
        checkPattern(bytes, received);
        received += bytes.length;
      }
    }
    isOver = true;
    for (;;) {
      const bytes = yield* client.recv();
      if (bytes.length === 0) break;
      checkPattern(bytes, received);
      received += bytes.length;
    }
    assertEquals(received, sent);
    assert(fired > rounds / 20 && fired < rounds - rounds / 20, `${fired} timeouts fired`);
  });
}

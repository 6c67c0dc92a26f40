/**
 * Asks an echo of frames, in plain Deno: prints how many frames a second come back, upper-cased.
 *
 *     deno run -A tests/bench/frame_load.ts PORT
 */
const CONNECTIONS = 64;
const SIZE = 64;
const WARM_UP_MS = 300;
const LOAD_MS = 1500;

const port = Number(Deno.args[0]);
const frame = new Uint8Array(4 + SIZE).fill(0x61);
new DataView(frame.buffer).setUint32(0, SIZE);

let frames = 0;
let isOver = false;

async function ask(): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const answer = new Uint8Array(frame.length);
  while (!isOver) {
    for (let at = 0; at < frame.length;) at += await conn.write(frame.subarray(at));
    for (let at = 0; at < answer.length;) {
      const count = await conn.read(answer.subarray(at));
      if (count === null) throw new Error("The server closed the connection");
      at += count;
    }
    if (answer[3] !== SIZE || answer[frame.length - 1] !== 0x41) throw new Error("A wrong answer");
    frames++;
  }
}

const asking = Promise.all(Array.from({ length: CONNECTIONS }, ask));
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
await after(WARM_UP_MS);
frames = 0;
const began = performance.now();
await after(LOAD_MS);
console.log(Math.round(frames / (performance.now() - began) * 1000));
isOver = true;
await asking;

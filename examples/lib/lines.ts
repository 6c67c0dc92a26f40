/** Lines as bytes: `readLine` gives text, and a client passes on whatever is typed and answered. */
import { type ByteSource, IncompleteError, readUntil } from "@weft/weft";

const NEWLINE = 10;
/** The longest line: none that anybody types or pipes in. */
const LONGEST = 1 << 30;

/** Waits for a line and gives it without its end, which the last one need not have; `null` at the end. */
export async function* nextLine(
  source: ByteSource,
): AsyncGenerator<unknown, Uint8Array | null, unknown> {
  try {
    const line = yield* readUntil(source, "\n", { limit: LONGEST });
    return line === null ? null : line.subarray(0, -1);
  } catch (error) {
    if (error instanceof IncompleteError) return error.partial;
    throw error;
  }
}

/** A line with its end. */
export function withNewline(line: Uint8Array): Uint8Array {
  const whole = new Uint8Array(line.length + 1);
  whole.set(line);
  whole[line.length] = NEWLINE;
  return whole;
}

import { isMoved } from "../transfer.ts";

/** What it costs to move a buffer, of any size, there and back, in milliseconds. */
const MOVE_MS = 0.01;

/** What it costs to clone a megabyte twice, here and there, in milliseconds. */
const MEGABYTE_MS = 0.5;

/**
 * What cloning a value costs beyond the usual, in milliseconds. Megabytes that travel together travel
 * slowly: the other side sees nothing of them before the last is cloned.
 */
export function weightOf(value: unknown): number {
  if (typeof value === "string") return value.length * (MEGABYTE_MS / (1 << 20));
  if (typeof value !== "object" || value === null) return 0;
  try {
    // A proxy may not even be asked what it is, and a view may have any `byteLength` of its own.
    if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) return 0;
    return isMoved(value) ? MOVE_MS : Number(value.byteLength) * (MEGABYTE_MS / (1 << 20)) || 0;
  } catch {
    return 0;
  }
}

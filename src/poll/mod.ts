/** The public part of the poll layer. */
export {
  describeMask,
  POLLERR,
  POLLET,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLONESHOT,
  POLLOUT,
  POLLPRI,
} from "./masks.ts";
export { NotRegisteredError } from "./errors.ts";
export type { PollTarget, RawHandle } from "./adopt.ts";
export { adopt } from "./adopt.ts";
export { fileno } from "./descriptors.ts";
export { select } from "./select.ts";
export type { PollEvent } from "./poller.ts";
export { EventRegistry, poll, type RegistryStatistics } from "./registry.ts";

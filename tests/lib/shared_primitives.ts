/** One of each kind of shared primitive, by the name of its class: the one list of them for all tests. */
import {
  pipe,
  SharedArray,
  SharedBarrier,
  SharedCondition,
  SharedEvent,
  type SharedHandle,
  SharedList,
  SharedLock,
  SharedMap,
  SharedQueue,
  SharedRLock,
  SharedSemaphore,
  SharedValue,
  SimpleQueue,
} from "@weft/weft";

/** What all of them can do. */
export type Primitive = object & { share(): SharedHandle };

/** Makes one of each kind, small and new. */
export const PRIMITIVES = {
  Connection: () => pipe(true, { bytes: 8192 })[0],
  SharedArray: () => new SharedArray("int32", 2),
  SharedBarrier: () => new SharedBarrier(2),
  SharedCondition: () => new SharedCondition(),
  SharedEvent: () => new SharedEvent(),
  SharedList: () => new SharedList<unknown>([1, 2]),
  SharedLock: () => new SharedLock(),
  SharedMap: () => new SharedMap<string, unknown>([["a", 1]]),
  SharedQueue: () => new SharedQueue(3),
  SharedRLock: () => new SharedRLock(),
  SharedSemaphore: () => new SharedSemaphore(2, { bounded: true }),
  SharedValue: () => new SharedValue("int32"),
  SimpleQueue: () => new SimpleQueue({ bytes: 8192 }),
} satisfies Readonly<Record<string, () => Primitive>>;

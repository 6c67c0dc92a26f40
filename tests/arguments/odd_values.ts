/** Values that no caller should pass, and that some caller will. */

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

/** Throws what a test can tell from the engine's own errors. */
function refuse(): never {
  throw new Error("user code threw");
}

/** Made anew for each call: a generator can be run once only. */
export function oddValues(): unknown[] {
  const rejected = Promise.reject(new Error("user promise"));
  rejected.catch(() => {});
  return [
    undefined,
    null,
    true,
    false,
    0,
    -0,
    -1,
    1.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 53,
    1e21,
    5e-324,
    "",
    "abc",
    "5",
    "\x1b[2J\n\u202e",
    "y".repeat(5000),
    0n,
    -5n,
    Symbol("sym"),
    Symbol.iterator,
    {},
    [],
    [1],
    [undefined],
    [null],
    [Symbol("in")],
    Object.create(null),
    new Map(),
    new Set([1]),
    new Date(NaN),
    /x/,
    new Error("e"),
    Promise.resolve(1),
    rejected,
    () => {},
    async () => {},
    function named() {},
    function* () {},
    async function* () {},
    class Odd {},
    (function* () {})(),
    (async function* () {})(),
    [][Symbol.iterator](),
    new Uint8Array(1),
    new ArrayBuffer(1),
    new SharedArrayBuffer(4),
    new BigInt64Array(1),
    new Proxy({}, {}),
    revoked,
    { then: 5 },
    { length: -1 },
    { next: 5 },
    { link: 5 },
    { [Symbol.iterator]: 5 },
    { [Symbol.iterator]: () => 5 },
    { [Symbol.iterator]: refuse },
    { [Symbol.asyncIterator]: 5 },
    { toString: refuse, [Symbol.toPrimitive]: refuse },
    {
      get name(): never {
        return refuse();
      },
    },
    new String("boxed"),
    new Number(5),
    Object.freeze({}),
    Math,
    new WeakMap(),
    new AbortController(),
  ];
}

/** What the engine says of values that nobody has checked. */
export const ENGINE =
  /is not a function|is not iterable|not a constructor|Cannot (read|set|destructure|convert|mix|access|assign|add|define|perform|create|use '(in|instanceof)')|(undefined|null) is not|Reduce of empty|Invalid (array|typed|string|count)|called on|without 'new'|private (field|member|method)|is not an object|not extensible|circular|Illegal|not an instance|Failed to execute|[Aa]rgument \d+ |not generic|Object prototype|Result of the Symbol|Iterator value|is not defined|Invalid time value|incompatible receiver|could not be cloned|Cannot be converted|serde|expected|Maximum call/;

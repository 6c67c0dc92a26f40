import { assert, assertEquals } from "@std/assert";
import { errorText, printable, printableText, show } from "../../src/kernel/printable.ts";
import { law } from "../lib/law.ts";

/** What must never get to a terminal, by its name. */
const HOSTILE: Readonly<Record<string, string>> = {
  escape: "\x1b[2J",
  bell: "\x07",
  nul: "\0",
  delete: "\x7f",
  "C1 CSI": "\x9b31m",
  newline: "\r\n",
  "line separator": "\u2028",
  "paragraph separator": "\u2029",
  "right-to-left override": "\u202e",
  isolate: "\u2066",
  "direction mark": "\u200f",
  "zero width space": "\u200b",
  "byte order mark": "\ufeff",
  "half a surrogate pair": "\ud83d",
};

law("printable() lets no control, line end or change of direction through", () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    const shown = printable(`a${text}b`);
    assert(/^a\?.*b$/.test(shown), `${name}: ${JSON.stringify(shown)}`);
  }
  assertEquals(printable("Jürgen 漢字 🚀 e\u0301"), "Jürgen 漢字 🚀 e\u0301");
});

law("printable() cuts what is too long, and never through a character", () => {
  assertEquals(printable("x".repeat(1_000_000)).length, 200);
  assertEquals(printable("abcdef", 4), "abc…");
  assertEquals(printable("abcd", 4), "abcd");
  assertEquals(printable("ab🚀d", 4), "ab?…");
});

law("printableText() keeps newlines and nothing else of that kind", () => {
  assertEquals(printableText("a\nb\x1b\u2028c"), "a\nb??c");
});

law("What is shown survives toString, getters and proxies that throw", () => {
  const thrower = {
    toString(): string {
      throw new Error("no");
    },
    get [Symbol.toStringTag](): string {
      throw new Error("no");
    },
  };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const nameless = Object.defineProperty(() => {}, "name", {
    get: () => {
      throw new Error("no");
    },
  });
  const badError = Object.defineProperty(new Error("m"), "message", {
    get: () => {
      throw new Error("no");
    },
  });
  for (const value of [thrower, proxy, Object.create(null), nameless, badError, Symbol("s")]) {
    for (const shown of [printable(value), printableText(value), show(value), errorText(value)]) {
      assertEquals(typeof shown, "string");
    }
  }
});

law("show() names a value: strings in quotes, functions by name, objects by kind", () => {
  const shown = [
    ["abc", '"abc"'],
    ["\x1b", '"?"'],
    [-0, "-0"],
    [NaN, "NaN"],
    [5n, "5n"],
    [null, "null"],
    [undefined, "undefined"],
    [Symbol("s"), "Symbol(s)"],
    [{}, "an object"],
    [[1, 2], "an array"],
    [new Map(), "a Map"],
    [new Error("m"), "an Error"],
    [function named() {}, "the function named"],
    [(() => () => {})(), "an anonymous function"],
  ] as const;
  for (const [value, text] of shown) assertEquals(show(value), text);
});

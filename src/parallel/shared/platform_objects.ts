/**
 * Finding objects of the platform, of which the engine's serializer makes `{}`.
 *
 * A `URL`, a `Blob`, an `Event` keep what they are in private fields or behind symbols, and only the host
 * knows how to copy them, or that it cannot. The engine's serializer takes them for plain objects without
 * properties; so does this host's `structuredClone` where they lie within another object (measured on
 * 2.9). To find them, each object's class is looked up among the global ones.
 *
 * The look calls no getter: that is for the serializer to do, once. Members of a list are read as they
 * are, because to ask for the keys of a long one takes longer than to serialize it.
 */

/** Global classes whose objects the engine copies by itself. */
const copied: ReadonlySet<string> = new Set([
  "Object",
  "Array",
  "Map",
  "Set",
  "Date",
  "RegExp",
  "Boolean",
  "Number",
  "String",
  "BigInt",
  "Error",
  "AggregateError",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SuppressedError",
  "SyntaxError",
  "TypeError",
  "URIError",
  "DOMException",
  "ArrayBuffer",
  "SharedArrayBuffer",
  "DataView",
]);

/** A chain of prototypes is followed this far: that of a proxy may have no end. */
const MOST_PROTOTYPES = 64;

/** Lists up to this length are looked through for named members, too. */
const SHORT = 64;

/** The name of the platform's class that a prototype belongs to; `null` if it is none of these. */
const classNames = new WeakMap<object, string | null>();

/** The class of an object of the platform that is, or lies within, a value; `null` if there is none. */
export function findPlatformObject(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const seen = new Set<object>([value]);
  for (const object of seen) { // it grows while it is gone through
    const name = platformClassOf(object);
    if (name !== null) return name;
    addMembers(object, seen);
  }
  return null;
}

function platformClassOf(object: object): string | null {
  let prototype: object | null = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === Array.prototype) return null;
  if (ArrayBuffer.isView(object)) return null;
  for (let i = 0; i < MOST_PROTOTYPES && prototype !== null; i++) {
    let name = classNames.get(prototype);
    if (name === undefined) classNames.set(prototype, name = platformClass(prototype));
    if (name !== null) return name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return null;
}

/** Looked up by its name, because the host loads many of its classes when they are first asked for. */
function platformClass(prototype: object): string | null {
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (typeof type !== "function") return null;
  const name: unknown = Object.getOwnPropertyDescriptor(type, "name")?.value;
  if (typeof name !== "string" || copied.has(name)) return null;
  const isKnown = [globalThis, Deno].some((space) => {
    const property = Object.getOwnPropertyDescriptor(space, name);
    if (property === undefined) return false;
    // What a program makes global by an assignment is enumerable.
    if (space === globalThis && property.enumerable && "value" in property) return false;
    return Reflect.get(space, name) === type;
  });
  return isKnown ? name : null;
}

function addMembers(object: object, seen: Set<object>): void {
  if (ArrayBuffer.isView(object)) return;
  if (object instanceof Map) {
    for (const [key, value] of Map.prototype.entries.call(object)) {
      add(key, seen);
      add(value, seen);
    }
  } else if (object instanceof Set) {
    for (const value of Set.prototype.values.call(object)) add(value, seen);
  }
  if (Array.isArray(object)) {
    for (const member of object) add(member, seen);
    if (object.length > SHORT) return;
  }
  for (const key of Object.keys(object)) {
    add(Object.getOwnPropertyDescriptor(object, key)?.value, seen);
  }
}

function add(value: unknown, seen: Set<object>): void {
  if (typeof value === "object" && value !== null) seen.add(value);
}

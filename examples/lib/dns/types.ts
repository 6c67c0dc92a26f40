/** Types of records by name. Those without a name here are `TYPEn`, as in RFC 3597. */

const NUMBERS: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  DS: 43,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
};

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(NUMBERS).map(([name, number]) => [number, name]),
);

/** The name of a type. */
export function typeName(number: number): string {
  return NAMES.get(number) ?? `TYPE${number}`;
}

/** The number of a type that {@linkcode isType} knows. */
export function typeNumber(name: string): number {
  return NUMBERS[name] ?? Number(name.slice("TYPE".length));
}

/** Whether a text names a type. */
export function isType(name: string): boolean {
  const [, number] = /^TYPE(\d{1,5})$/.exec(name) ?? [];
  return Object.hasOwn(NUMBERS, name) || (number !== undefined && Number(number) <= 0xffff);
}

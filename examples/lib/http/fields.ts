/** Header fields: names without regard to case, several lines of one name kept apart. */

/** The header fields of a message, in their order. */
export class Fields {
  readonly #names: string[] = [];
  readonly #values: string[] = [];

  /** How many lines there are. */
  get size(): number {
    return this.#names.length;
  }

  /** Adds a line. */
  add(name: string, value: string): void {
    this.#names.push(name.toLowerCase());
    this.#values.push(value);
  }

  /** The value of a field, several lines of it joined by commas; `undefined` if there is none. */
  get(name: string): string | undefined {
    const first = this.#names.indexOf(name);
    if (first < 0) return undefined;
    if (this.#names.indexOf(name, first + 1) < 0) return this.#values[first];
    return this.all(name).join(", ");
  }

  /** The values of each line of a field. */
  all(name: string): string[] {
    return this.#values.filter((_, i) => this.#names[i] === name);
  }

  /** Whether a field that is a list of words has this one, in whatever case. */
  lists(name: string, word: string): boolean {
    const value = this.get(name);
    return value !== undefined &&
      value.split(",").some((part) => part.trim().toLowerCase() === word);
  }

  /** The lines, names in lower case. */
  *[Symbol.iterator](): Generator<[name: string, value: string]> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i]!, this.#values[i]!];
  }
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;

/** Makes sure that fields can be sent; one with a line break would end the head, and begin an answer of its own. */
export function checkFields(fields: Readonly<Record<string, string>>): void {
  for (const name in fields) {
    if (NAME.test(name) && VALUE.test(fields[name]!)) continue;
    throw new TypeError(
      `Cannot send the field ${JSON.stringify(name)}: it has a character too many`,
    );
  }
}

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

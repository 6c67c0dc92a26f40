/** Words as numbers, so that an event can hold one; bounded, since a program can make up any number. */

/** So many different words are told apart; what comes after is one word. */
const MOST = 20_000;
/** And so many characters of each. */
const LONGEST = 200;

/** Gives each word a number. */
export class WordTable {
  readonly #numbers = new Map<string, number>();
  readonly #words: string[] = ["…"];

  /** The number of a word; the same for the same word. */
  add(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    if (this.#words.length > MOST) return 0;
    const number = this.#words.push(word.length > LONGEST ? `${word.slice(0, LONGEST)}…` : word) -
      1;
    this.#numbers.set(word.length > LONGEST ? word.slice(0, LONGEST) : word, number);
    return number;
  }

  /** The word of a number. */
  get(number: number): string {
    return this.#words[number] ?? "…";
  }
}

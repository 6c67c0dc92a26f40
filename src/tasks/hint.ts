/**
 * What the compiler is to say where a call was almost right.
 *
 * A signature that nothing fits comes last among a function's, and its parameter has the hint as its type.
 * So the hint is what the error shows; the other signatures tell it with so many types that nobody finds
 * the missing star in them.
 */

/** A type that no value has; its text says what to write instead. */
export interface Hint<Text extends string> {
  /** Never there. */
  readonly "what to write": Text;
}

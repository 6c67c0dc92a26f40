/** Claims about types: a wrong one does not compile. */

/** `true` if A and B are the same type, `any` and `never` told apart. */
export type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2)
  ? true
  : false;

/** Holds its type argument to `true`. */
export function claim<_Holds extends true>(): void {}

/** Types of @std/async/tee. */
type Times<T, N extends number, Done extends T[] = []> = number extends N ? T[]
  : Done["length"] extends N ? Done
  : Times<T, N, [...Done, T]>;
export declare function tee<T, N extends number = 2>(
  iterable: AsyncIterable<T>,
  n?: N,
): Times<AsyncIterable<T>, N>;

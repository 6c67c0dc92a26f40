/** Types of @std/async/debounce. */
export interface DebouncedFunction<A extends unknown[]> {
  (...args: A): void;
  /** Forgets the call that is due. */
  clear(): void;
  /** Makes the call that is due, now. */
  flush(): void;
  /** Whether a call is due. */
  readonly pending: boolean;
}
export interface DebounceOptions {
  signal?: AbortSignal | undefined;
}
export declare function debounce<A extends unknown[]>(
  fn: (this: DebouncedFunction<A>, ...args: A) => void,
  wait: number,
  options?: DebounceOptions,
): DebouncedFunction<A>;

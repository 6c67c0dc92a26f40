/** Types of @std/async/retry. */
export declare class RetryError extends Error {
  constructor(cause: unknown, attempts: number);
}
export interface RetryOptions {
  /** How much longer each wait is than the one before. @default {2} */
  multiplier?: number;
  /** The longest wait, in milliseconds. @default {60000} */
  maxTimeout?: number;
  /** How often to try in all. @default {5} */
  maxAttempts?: number;
  /** The first wait, in milliseconds. @default {1000} */
  minTimeout?: number;
  /** How much of each wait is left to chance, from 0 to 1. @default {1} */
  jitter?: number;
  /** Whether to try again after this error. @default after every one */
  isRetriable?: (error: unknown) => boolean;
  signal?: AbortSignal;
}
export declare function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options?: RetryOptions,
): Promise<T>;

/** What a map and the place its items come from know of each other. */

/** Where the items of a map come from. */
export interface Feed {
  /** How many items can be taken now, as far as is known; `Infinity` for "some, perhaps". */
  readonly ready: number;
  /** Whether nothing will come any more. */
  readonly ended: boolean;
  /** Whether what is ready is all there will be. */
  readonly complete: boolean;
  /** Takes up to `count` items; fewer only if there are no more now. */
  take(count: number): unknown[];
  /** There may be room for more than before. */
  draw(): void;
  /** Draws nothing any more. May throw what the iterable's `return` throws, or give its promise. */
  close(): Promise<unknown> | void;
}

/** What a feed asks and tells its map. */
export interface FeedListener {
  /** How many items may be drawn beyond those that were taken. */
  readonly room: number;
  /** There may be more now, or the end has come. */
  fed(): void;
  /** The iterable threw: nothing more will come. */
  starved(error: unknown): void;
}

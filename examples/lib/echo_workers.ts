/**
 * Upper-case echo by workers: each has a scheduler of its own, and all listen on one port, so that the
 * host deals the connections out. In a module of its own, because each worker imports it.
 */
import { Crew, jobs, listen, type SharedEvent } from "@weft/weft";
import { streamEngines } from "./echo_streams.ts";

const { echo } = jobs(import.meta, {
  /** What each worker does until it is cancelled. */
  async *echo(ready: SharedEvent, hostname: string, port: number) {
    using listener = listen({ hostname, port, reusePort: true });
    ready.set();
    yield* streamEngines.coroutine(listener);
  },
});

/** Workers that serve on one port. */
export function echoCrew(hostname: string, port: number, workers: number): Crew<[string, number]> {
  return new Crew(echo, [hostname, port], { workers });
}

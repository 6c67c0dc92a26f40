/** Jobs over nodes that are killed, on a server that is killed: see tests/cluster/trial.ts. */
import { assertEquals } from "@std/assert";
import { trial } from "../cluster/trial.ts";
import { serverLaw } from "../lib/nats_server.ts";

serverLaw(
  "Every job comes to one result while nodes and the server are killed at random",
  async () => {
    const end = await trial({
      jobs: 15_000,
      nodes: 3,
      every: 1500,
      serverShare: 0.4,
      lease: 4000,
      limit: 150_000,
    });
    assertEquals({ results: end.results, right: end.right }, { results: 15_000, right: true });
    assertEquals(end.left, 0);
  },
  240_000,
);

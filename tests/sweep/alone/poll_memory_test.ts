/** Polling for a long time: memory stays level over a great many turns. */
import { assert } from "@std/assert";
import { adopt, fileno, poll, POLLIN, run, select } from "@weft/weft";
import { growthOf } from "../../lib/heap.ts";
import { law } from "../../lib/law.ts";
import { FakeHandle } from "../../poll/fake_handle.ts";

const SLACK = 2_000_000;

law("a million turns of register, unregister, close keep the heap level", async () => {
  const registry = poll();
  const turns = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const handle = new FakeHandle();
      registry.register(handle, POLLIN);
      registry.unregister(handle);
      handle.close();
    }
  };
  turns(10_000);
  const growth = await growthOf(() => turns(1_000_000));
  assert(growth < SLACK, `${growth} bytes`);
}, 120_000);

law("100 000 turns of select() and of fileno() on new handles keep the heap level", async () => {
  const turns = (count: number): Promise<void> =>
    run(function* () {
      for (let i = 0; i < count; i++) {
        const handle = new FakeHandle();
        handle.set(POLLIN);
        fileno(handle);
        const [ready] = yield* select([handle], [], [], 0);
        if (ready.length !== 1) throw new Error("not ready");
        handle.close();
      }
    });
  await turns(100_000); // the host's own tables and compiled code grow at first
  const growth = await growthOf(() => turns(100_000));
  assert(growth < SLACK, `${growth} bytes`);
}, 120_000);

law(
  "10 000 connections in a registry, each unregistered and closed, keep the heap level",
  async () => {
    const registry = poll();
    const listening = registry.register(Deno.listen({ hostname: "127.0.0.1", port: 0 }), POLLIN);
    const { port } = listening.native.addr as Deno.NetAddr;
    const turns = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const client = adopt(await Deno.connect({ hostname: "127.0.0.1", port }));
        await registry.poll(5000);
        const server = listening.tryAccept();
        registry.register(server, POLLIN);
        registry.unregister(server);
        server.close();
        client.close();
        await Promise.all([server.gone, client.gone]);
      }
    };
    await turns(500);
    const growth = await growthOf(() => turns(10_000));
    assert(growth < SLACK, `${growth} bytes`);
    listening.close();
    await listening.gone;
  },
  120_000,
);

/** The rows of HTTP, by wrk, and of the DNS cache. */
import { type Command, output, type Peer, python, script, served } from "./children.ts";
import type { Contender, Row } from "./harness.ts";

const CONNECTIONS = 64;
const root = new URL("../../", import.meta.url).pathname;

/** One of the examples as a server. */
function example(name: string): Peer {
  return () =>
    Promise.resolve([Deno.execPath(), "run", "-A", `${root}examples/${name}.ts`, "--port", "0"]);
}

/** Requests per second by wrk, on connections that are kept. */
function byWrk(peer: Peer, path: string): Contender {
  return async () =>
    await served(await peer(), async (port) => {
      const load = (seconds: number) =>
        output([
          ...["wrk", "-t1", `-c${CONNECTIONS}`, `-d${seconds}`],
          `http://127.0.0.1:${port}${path}`,
        ]);
      await load(1); // so that the code is compiled
      const said = await load(2);
      if (/Non-2xx|Socket errors/.test(said)) throw new Error(said.replaceAll("\n", "; "));
      return Number(/Requests\/sec:\s*([\d.]+)/.exec(said)![1]);
    });
}

const httpPeers = {
  "weft": example("http_server"),
  "Deno.serve": script("peers/http_deno_peer.ts"),
  "Node's http": () => Promise.resolve(["node", `${root}tests/bench/peers/http_node_peer.mjs`]),
  "gevent's pywsgi": python("gevent", "http_gevent_peer.py"),
} satisfies Record<string, Peer>;

/** Questions per second to a server whose cache knows the answer. */
function askedForCached(command: () => Promise<Command>, port?: number): Contender {
  return async () =>
    await served(await command(), async (port) => {
      const load = [Deno.execPath(), "run", "-A", `${root}tests/bench/dns_load.ts`, String(port)];
      return Number(await output(load));
    }, port);
}

/** dnsmasq on a port that is free now, since it does not choose one. */
function dnsmasq(port: number): Peer {
  return () =>
    Promise.resolve([
      ...["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", `--port=${port}`],
      ...["--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts"],
      ...["--user=root", "--pid-file=", "--host-record=www.example.test,192.0.2.80"],
    ]);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** The rows of what is served to the world. */
export const webRows: readonly Row[] = [
  {
    name: `HTTP, ${CONNECTIONS} kept connections, 14 bytes`,
    unit: "requests/s",
    better: "more",
    baseline: "Node's http",
    contenders: Object.fromEntries(
      Object.entries(httpPeers).map(([label, peer]) => [label, byWrk(peer, "/hello.txt")]),
    ),
    figures: [
      { of: "weft", against: "gevent's pywsgi", atLeast: 5 },
      { of: "weft", against: "Node's http", atLeast: 0.5 },
    ],
  },
  {
    name: "DNS, 64 sockets, answers from the cache",
    unit: "questions/s",
    better: "more",
    baseline: "weft",
    contenders: {
      "weft": askedForCached(example("dns_server")),
      "dnsmasq": async () => {
        const port = freePort();
        return await askedForCached(dnsmasq(port), port)();
      },
    },
  },
];

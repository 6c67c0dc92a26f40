/**
 * The node program: `deno run -A <weft>/node --servers HOST:PORT --modules jobs.ts`.
 *
 * Arguments are parsed by `node:util`, which Deno brings along: a published module of weft imports no more
 * than that. A password is no flag, since every user of a machine can read those: it stands in the URL of
 * `NATS_URL`, and the key that signs results in `WEFT_RESULT_KEY`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { listenForSignal } from "../../kernel/callback.ts";
import { messageText, printable, show } from "../../kernel/printable.ts";
import { Ticker } from "../link/ticker.ts";
import type { NodeHealth } from "../wire/health.ts";
import { ClusterNode, type ClusterNodeOptions } from "./cluster_node.ts";

export { ClusterNode, type ClusterNodeOptions } from "./cluster_node.ts";
export type { ConnectOptions, TlsFiles } from "../link/connect_options.ts";
export type { NodeHealth } from "../wire/health.ts";

const HELP = `Usage: deno run -A <weft>/node --servers HOST:PORT --modules jobs.ts[,more.ts] [flags]

Takes jobs of a cluster and runs them: only functions of the modules named here.
SIGTERM and SIGINT: takes no more jobs, finishes those that run, hands back the rest; a second one
hands back those that run, too.

  --servers LIST      where the servers are; or the variable NATS_URL
  --modules LIST      files or URLs of modules, with commas between them
  --name NAME         the cluster's name (weft)
  --node NAME         this node's name (made up)
  --workers N         how many workers (one for each processor)
  --concurrency M     how many slow jobs at a time (twice the workers)
  --every S           a line of health each S seconds; 0: none (10)
  --json              health, and the last line, as JSON
  --lease MS          for a new cluster: how long a node may be silent about a job (30000)
  --keep MS           for a new cluster: how long results are kept (3600000)
  --replicas N        for a new cluster: on how many servers (1)
  --connect-timeout MS  how long to wait for the server at the start (10000)
  --inbox-prefix P    what inboxes begin with (_INBOX)
  --ca FILE  --cert FILE  --key FILE   for tls:// servers
  --help, -h

The variable WEFT_RESULT_KEY holds the key that signs results, where the cluster has one.`;

const FLAGS = {
  servers: { type: "string" },
  modules: { type: "string" },
  name: { type: "string" },
  node: { type: "string" },
  workers: { type: "string" },
  concurrency: { type: "string" },
  every: { type: "string" },
  lease: { type: "string" },
  keep: { type: "string" },
  replicas: { type: "string" },
  "connect-timeout": { type: "string" },
  "inbox-prefix": { type: "string" },
  ca: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

type Values = Partial<Record<keyof typeof FLAGS, string | boolean>>;

/** What is wrong with the command line. */
class UsageError extends Error {}

interface Command {
  readonly options: ClusterNodeOptions;
  readonly every: number;
  readonly json: boolean;
}

/** Reads the command line; `null` if only help was asked for. */
function commandOf(args: string[]): Command | null {
  const values = valuesOf(args);
  if (values.help === true) return null;
  const text = (flag: keyof typeof FLAGS): string | undefined => values[flag] as string | undefined;
  const number = (flag: keyof typeof FLAGS): number | undefined => numberOf(flag, text(flag));
  const servers = text("servers") ?? variable("NATS_URL");
  if (servers === undefined) throw new UsageError("give --servers HOST:PORT, or NATS_URL");
  const modules = (text("modules") ?? "").split(",").filter((one) => one !== "");
  if (modules.length === 0) throw new UsageError("give --modules jobs.ts");
  const tls = Object.entries({ caFile: text("ca"), certFile: text("cert"), keyFile: text("key") })
    .filter(([, file]) => file !== undefined);
  const given = {
    name: text("name"),
    node: text("node"),
    workers: number("workers"),
    concurrency: number("concurrency"),
    lease: number("lease"),
    keep: number("keep"),
    replicas: number("replicas"),
    connectTimeout: number("connect-timeout"),
    inboxPrefix: text("inbox-prefix"),
    resultKey: variable("WEFT_RESULT_KEY"),
    tls: tls.length === 0 ? undefined : Object.fromEntries(tls),
  };
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  return {
    options: { ...options, servers, modules: modules.map(urlOf) },
    every: number("every") ?? 10,
    json: values.json === true,
  };
}

function valuesOf(args: string[]): Values {
  try {
    return parseArgs({ args, options: FLAGS, strict: true }).values;
  } catch (error) {
    throw new UsageError(messageText(error));
  }
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`--${flag} ${show(text)} is no number`);
}

/** An empty variable counts as none. */
function variable(name: string): string | undefined {
  const value = Deno.env.get(name);
  return value === "" ? undefined : value;
}

/** A path counts from where the program was started. */
function urlOf(module: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(module)) return module;
  return new URL(module, `file://${Deno.cwd().replaceAll("%", "%25")}/`).href;
}

/** One line for people. */
function lineOf(health: NodeHealth): string {
  const { node, state, running, buffered, done, failed, returned, refused, rate } = health;
  return `node ${node} ${state}: ${running} running, ${buffered} waiting, ${done} done ` +
    `(${failed} failed), ${returned} handed back, ${refused} refused, ${rate} jobs/s`;
}

async function main(): Promise<number> {
  let command: Command | null;
  try {
    command = commandOf(Deno.args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${printable(error.message)}; --help shows how`);
    return 2;
  }
  if (command === null) {
    console.log(HELP);
    return 0;
  }
  try {
    return await runNode(command);
  } catch (error) {
    console.error(printable(messageText(error)));
    return error instanceof TypeError || error instanceof RangeError ? 2 : 1;
  }
}

async function runNode({ options, every, json }: Command): Promise<number> {
  const node = await ClusterNode.start({
    ...options,
    warn: (message) => console.error(printable(message)),
  });
  const tell = (): void => {
    const health = node.health();
    console.log(json ? JSON.stringify(health) : lineOf(health));
  };
  let signals = 0;
  const stop = (): void => {
    const ending = signals++ === 0 ? node.close() : node.terminate();
    ending.catch((error) => console.error(printable(messageText(error))));
  };
  const listeners = (["SIGTERM", "SIGINT"] as const).map((name) => listenForSignal(name, stop));
  const ticker = every > 0 ? new Ticker(every * 1000, tell) : null;
  tell();
  try {
    await node.ended;
  } finally {
    ticker?.stop();
    for (const end of listeners) end();
    tell();
  }
  return 0;
}

if (import.meta.main) Deno.exitCode = await main();

/**
 * One registry and one loop over everything a server waits for: a TCP listener and its connections, a UDP
 * socket, standard input, a timer and a signal. Watch for what is not there: no task for a connection and no
 * callback of the host, only a map from descriptors to what is to be done, as in the textbook on poll(2).
 *
 *     deno run --allow-net examples/poll_server.ts
 *     deno run --allow-net examples/poll_server.ts --port 7000
 */
import {
  alarm,
  bindDatagram,
  BrokenError,
  connect,
  fileno,
  listen,
  poll,
  type Pollable,
  POLLIN,
  type PollTarget,
  run,
  signals,
  spawn,
  stdin,
  WouldBlock,
} from "@weft/weft";
import { decode, encode, upperCase } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";
import { PolledListener } from "./lib/poll_accept.ts";
import { Conversation } from "./lib/poll_echo.ts";
import { checkPort, openOrRefuse, PLACE_FLAGS, PLACE_HELP, show } from "./lib/serve.ts";

const { string, number } = readArgs(
  `Upper-case echo on TCP and UDP, by one event registry. A line on stdin goes to every connection.
${PLACE_HELP}`,
  PLACE_FLAGS,
);
const hostname = string.hostname!;
const port = checkPort(number.port!);
const [reportMs, tell] = port < 0 ? [20, console.log] : [10_000, console.error];

await run(async function* () {
  const where = { hostname, port: Math.max(port, 0) };
  const listener = openOrRefuse(show(where), () => listen(where));
  const { localAddr } = listener;
  const datagrams = openOrRefuse(
    show(localAddr),
    () => bindDatagram({ hostname, port: localAddr.port }),
  );
  const [timer, stop, input] = [
    alarm(reportMs, { every: reportMs }),
    signals("SIGINT", "SIGTERM"),
    stdin(),
  ];
  const registry = poll();
  const newcomers = new PolledListener(listener, registry);
  const actions = new Map<number, () => void>([[newcomers.fd, welcome]]);
  const conversations = new Set<Conversation>();
  let isOver = false;

  function when(source: PollTarget, action: () => void): void {
    actions.set(registry.register(source, POLLIN)!.fd, action);
  }
  function forget(source: { readonly handle: Pollable } & Disposable): void {
    actions.delete(fileno(source.handle));
    registry.unregister(source.handle);
    source[Symbol.dispose]();
  }
  function welcome(): void {
    const socket = newcomers.tryAccept();
    if (socket === null) return;
    const conversation = new Conversation(socket, registry);
    conversations.add(conversation);
    when(socket, () => {
      if (conversation.goOn()) return;
      conversations.delete(conversation);
      forget(socket);
    });
  }

  when(datagrams, () => {
    const [data, from] = datagrams.tryRecvFrom();
    datagrams.trySendTo(upperCase(data), from);
  });
  when(input, () => {
    const line = input.tryRecv();
    if (line.length === 0) return forget(input);
    for (const conversation of conversations) {
      if (!conversation.isBehind) conversation.say(line); // who does not read misses lines
    }
  });
  when(timer, () => {
    timer.tryNext();
    tell(`${conversations.size} connected, ${registry.size} descriptors registered`);
  });
  when(stop, () => isOver = true);

  console.log(`listening on ${show(localAddr)}`);
  if (port < 0) spawn(test, localAddr).link(() => Deno.kill(Deno.pid, "SIGINT"));
  while (!isOver) {
    for (const [fd] of yield* registry.poll(newcomers.timeout)) attempt(actions.get(fd));
  }
});

/** Does what is to be done; what one peer broke, or will take later, is no reason to leave the others. */
function attempt(action: (() => void) | undefined): void {
  try {
    action?.();
  } catch (error) {
    if (!(error instanceof BrokenError || error instanceof WouldBlock)) throw error;
  }
}

/** Asks the server on both transports. */
async function* test(address: Deno.NetAddr) {
  using socket = yield* connect({ hostname, port: address.port });
  yield* socket.sendAll(encode("by tcp"));
  console.log(decode(yield* socket.recvExactly(6)));
  using datagrams = bindDatagram({ hostname, port: 0 });
  yield* datagrams.sendTo(encode("by udp"), { hostname, port: address.port });
  console.log(decode((yield* datagrams.recvFrom())[0]));
}

/** The traffic of a scenario: what the polled side and the peers send, receive and close. */
import { type DatagramSocket, type Socket, WouldBlock } from "@weft/weft";
import { delay } from "@std/async/delay";
import type { PeerAddress } from "./peers.ts";
import { ARRIVAL, arrived, type Said, type StepOf, STILL } from "./said.ts";
import type { GoldenLine, Step } from "./scenario.ts";
import type { Stage } from "./stage.ts";

/** Does a step of traffic; `expected` tells whether something is to come. */
export async function traffic(
  stage: Stage,
  step: Step,
  expected: GoldenLine | undefined,
): Promise<Said | void> {
  const comes = expected?.raised !== "EAGAIN";
  switch (step.do) {
    case "send":
      return send(stage, step);
    case "fill":
      return fill(stage, step);
    case "recv": {
      const { thing } = stage.subject(step.handle);
      const data = await arrived(comes, () => (thing as Socket).tryRecv(step.bytes));
      return { result: data.length };
    }
    case "recvFrom": {
      const { thing } = stage.subject(step.handle);
      const [data] = await arrived(
        comes,
        () => (thing as DatagramSocket).tryRecvFrom(step.bytes),
      );
      return { result: data.length };
    }
    case "sendTo": {
      const { thing } = stage.subject(step.handle);
      const to = denoAddress(stage.addresses.get(step.peer)!);
      const result = (thing as DatagramSocket).trySendTo(new Uint8Array(step.bytes), to as never);
      await delay(STILL);
      return { result };
    }
    case "closeWrite":
      return (stage.subject(step.handle).thing as Socket).closeWrite();
    case "close":
      stage.subject(step.handle).thing.close();
      return await delay(STILL);
    default:
      return await peerStep(stage, step as StepOf<"peerSend">);
  }
}

async function send(stage: Stage, step: StepOf<"send">): Promise<Said> {
  const subject = stage.subject(step.handle);
  const result = (subject.thing as Socket).trySend(new Uint8Array(step.bytes).fill(120));
  subject.sent += result;
  await delay(STILL);
  return { result };
}

async function fill(stage: Stage, step: StepOf<"fill">): Promise<void> {
  const subject = stage.subject(step.handle);
  const data = new Uint8Array(step.peer === undefined ? 65536 : 10).fill(120);
  const to = step.peer === undefined ? null : denoAddress(stage.addresses.get(step.peer)!);
  const put = (): number =>
    to === null
      ? (subject.thing as Socket).trySend(data)
      : (subject.thing as DatagramSocket).trySendTo(data, to as never);
  for (let refusals = 0; refusals < 10;) {
    try {
      subject.sent += put();
      refusals = 0;
    } catch (error) {
      if (!(error instanceof WouldBlock)) throw error;
      refusals++;
      await delay(STILL);
    }
  }
}

async function peerStep(stage: Stage, step: Step): Promise<Said | void> {
  switch (step.do) {
    case "peerSend":
      await stage.peers.ask("send", { peer: step.peer, bytes: step.bytes });
      return;
    case "peerRecv":
      return await peerRecv(stage, step.peer, step.bytes);
    case "peerDrain": {
      const left = stage.subject(step.handle).sent - (stage.received.get(step.peer) ?? 0);
      return await peerRecv(stage, step.peer, left);
    }
    case "peerSees":
      await delay(ARRIVAL);
      return { result: await stage.peers.ask("sees", { peer: step.peer }) as string };
    case "peerUrgent":
    case "peerCloseRead":
    case "peerCloseWrite":
    case "peerClose":
    case "peerReset":
    case "peerExit":
    case "peerKill": {
      const op = step.do.slice(4);
      await stage.peers.ask(op[0]!.toLowerCase() + op.slice(1), { peer: step.peer });
      return;
    }
  }
  throw new Error(`Cannot play "${step.do}"`);
}

async function peerRecv(stage: Stage, peer: string, bytes: number): Promise<void> {
  const count = await stage.peers.ask("recv", { peer, bytes }) as number;
  stage.received.set(peer, (stage.received.get(peer) ?? 0) + count);
}

function denoAddress(address: PeerAddress): Deno.Addr {
  return typeof address === "string"
    ? { transport: "unixpacket", path: address }
    : { transport: "udp", hostname: address[0], port: address[1] };
}

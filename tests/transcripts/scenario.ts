/**
 * The transcript scenarios as TypeScript sees them: their steps, their golden answers, and what must
 * differ on Deno. What each step means stands at the head of `record.py`, which plays them on CPython.
 *
 * To whoever plays them on weft's registry:
 *
 * - **Peers.** Start `python3 peers.py` and let it play the peers, as `record.py` does; the protocol is
 *   at its head. A Deno peer will not do: it cannot reset, and its close tells the other side an end of
 *   stream where a kernel's close tells a reset.
 * - **Settling.** `record.py` may look at kernel state until nothing moves any more. Here a poll without
 *   `timeout` is to be repeated until it gives the golden answer, for half a second at most; and since a
 *   first right answer may still be joined by a wrong one, once more after a few milliseconds. Edges and
 *   one-shots are used up by being told, so for registries of kind "epoll" settle on a second,
 *   level-triggered registry over the same handles, and then poll the one under test once.
 * - **Errors.** `raised` names what CPython raised. weft's own classes stand for them: EAGAIN is
 *   `WouldBlock`; ECONNRESET and EPIPE from the network are `BrokenError`; EPIPE after the own half-close,
 *   and NVAL's EBADF, are `ClosedError`; RuntimeError (two polls at once) is `BusyError`; TypeError is
 *   `TypeError`, and ValueError and OverflowError are `RangeError`. KeyError (unregister of the unknown) and
 *   ENOENT (modify of the unknown) are one condition with two names; one class will do.
 * - **Standard input** exists once in a process, so each scenario of kind "stdin" wants a child Deno.
 * - **Time.** `waited` tells whether a poll took its whole timeout; nothing else is timed.
 */

/** Whether Deno leaves no choice, or weft chose to differ from poll(2). */
export type DeviationCause = "forced" | "chosen";

/**
 * What weft may answer otherwise than Linux, and why. "forced" ones are consequences of Deno's
 * completion-based IO, most of them measured on Deno 2.9.6; each scenario names those that may show in it.
 * A scenario without any is to be met exactly.
 */
export const DEVIATIONS = {
  "hup-needs-a-probe": {
    cause: "forced",
    why:
      `Linux tells a unix socket's full close (HUP) from a half-close at once. To Deno's read both
      are null. A write of no bytes tells them apart: it gives 0 after a half-close and EPIPE after
      a close. So HUP = end of stream read and probe broken, and the probe has to be repeated at a poll
      after the end was seen, for nothing announces the change. While data are held unread the end is
      not seen yet, only the broken probe, which a peer that shut down its reading alone (no HUP on
      Linux) gives too.`,
  },
  "hup-behind-unread-data": {
    cause: "forced",
    why:
      `A pipe whose writer is gone is IN|HUP on Linux. weft holds what one read brought and does not
      read on before it is taken, so it says IN, and HUP only when the pipe is empty.`,
  },
  "error-is-taken-by-the-read-ahead": {
    cause: "forced",
    why:
      `On Linux a pending error shows as ERR until a call takes it, then HUP stays, and reads end. On Deno
      the read-ahead or the probe took it from the kernel (the next read gives null, the next write EPIPE).
      The handle must keep it and show ERR until the user's next call has thrown it; one call only. If the
      two ways differ here it is in how long ERR stays and in which of ECONNRESET and EPIPE is thrown: a
      probe after an end of stream gives EPIPE, a probe without a read in flight gives ECONNRESET.`,
  },
  "reset-behind-unread-data": {
    cause: "forced",
    why:
      `With bytes held no read is in flight, so a reset shows only by a write probe (ECONNRESET) or when
      the held bytes have been taken and the next read is made. After a probe the bytes still in the
      kernel can be read, as on Linux, but then comes null, for the probe took the error: the handle
      owes its reader the error in place of that null.`,
  },
  "reset-after-end-of-stream": {
    cause: "forced",
    why:
      `Once a read gave null no read is in flight, and later reads give null too, even after a reset. Only
      a write or a write probe finds it, with EPIPE (which is what Linux says in this state as well). So
      probe again after each send behind an end of stream, and at each poll.`,
  },
  "mask-without-in": {
    cause: "forced",
    why:
      `ERR and HUP come unasked on Linux. Here something has to be in flight to find them: with mask 0,
      PRI or ERR|HUP the registry must read ahead (or probe) although nobody asked for data, or it
      finds nothing. On pipe read ends reading ahead is the only way.`,
  },
  "fullness": {
    cause: "forced",
    why:
      `The kernel's buffer has weft's own in front of it. "fill" is until \`trySend\` throws WouldBlock; OUT
      comes back when weft's buffer has drained below its mark and the probe has resolved. Drained in
      full both agree. In between they need not: how much room Linux wants before it says OUT again
      (a third on TCP, nearly all of it on unix, a page on a pipe) is behind the buffer.`,
  },
  "half-close-waits-for-the-probe": {
    cause: "forced",
    why:
      `Deno runs closeWrite behind the writes in flight, a pending probe included: on a full socket it
      stays pending until the peer drains. Linux marks the socket at once: OUT comes back on TCP, and does
      not on unix. The handle knows that it has been half-closed and can say what Linux says.`,
  },
  "send-is-buffered": {
    cause: "forced",
    why:
      `A send is handed to weft's buffer; that the other side is gone may be found only by the native
      write, and is thrown by the next call. Linux fails the first one, unless a poll has told already.`,
  },
  "pipe-has-no-probe": {
    cause: "forced",
    why:
      `A write of no bytes to a child's stdin resolves at once, whether the pipe is full, empty, or
      without a reader. So OUT is "nothing waits to be written", and a reader that is gone (ERR) is found
      by a real write, by a write that was blocked (it rejects with EPIPE), or by the child's end
      (\`status\`), if the handle knows the child.`,
  },
  "accept-of-a-reset-connection": {
    cause: "forced",
    why:
      `If no accept was in flight when a connection was reset in the queue, Deno's accept rejects with
      NotConnected (ENOTCONN) and the connection is lost; the next accept goes on with the next one. With
      an accept in flight the connection is delivered and breaks at its first read. A listener must not
      take that rejection for its own failure.`,
  },
  "closing-a-listener-drops-the-held-connection": {
    cause: "forced",
    why:
      `One connection may have been accepted ahead. Linux resets what was never accepted; Deno closes the
      held one, and that peer sees an end of stream.`,
  },
  "deno-closes-with-end-of-stream": {
    cause: "forced",
    why:
      `A TCP connection closed with data unread tells its peer a reset on Linux. Deno shuts down first,
      and what was read ahead is no longer unread, so the peer sees an end of stream.`,
  },
  "unread-data-is-in-the-read-ahead": {
    cause: "forced",
    why:
      `A unix socket closed with data unread tells its peer ECONNRESET, on Deno too, but data that were
      read ahead are not unread: the peer sees an end of stream.`,
  },
  "no-attempt-under-way": {
    cause: "forced",
    why:
      `Deno.connect gives a connection or rejects; there is no handle before, so none of these steps can
      be played. The refusal is the rejection (ConnectionRefused).`,
  },
  "no-urgent-data": {
    cause: "forced",
    why:
      `Deno shows neither the urgent byte nor its arrival; PRI never comes. The stream itself is the same.`,
  },
  "no-rdhup": {
    cause: "forced",
    why:
      `RDHUP is not among weft's bits. For a half-close that was asked for with it, IN comes, as ever.`,
  },
  "unixpacket-is-one-way-at-a-time": {
    cause: "forced",
    why:
      `Deno's unixpacket socket takes one operation at a time: with a receive in flight every send is Busy,
      and a receive cannot be called back. Registered for IN (or read ahead for any reason) it cannot
      send until a datagram has come; not read ahead it cannot be polled for IN.`,
  },
  "unixpacket-send-waits": {
    cause: "forced",
    why:
      `When the receiver's queue is full Linux refuses (EAGAIN) and still says OUT. Deno's send waits, and
      neither close nor anything else calls it back, so while one waits OUT must not be told.`,
  },
  "stdin-belongs-to-the-process": {
    cause: "forced",
    why:
      `There is one standard input and it is read by a thread; a read in flight outlives every registry,
      and its bytes must go to the next reader. Play each scenario in a child.`,
  },
  "closing-wakes-the-poll": {
    cause: "chosen",
    why:
      `On Linux a close beside a waiting poll does not wake it and even keeps the socket alive (no FIN is
      sent) until the poll returns; the answer is then NVAL. weft wakes the poll at once with NVAL and the
      socket closes at once: the same answer, earlier.`,
  },
  "changes-take-effect-at-once": {
    cause: "chosen",
    why:
      `CPython gives the kernel a copy of its table, so register, modify and unregister beside a waiting
      poll take effect at the next one. In weft they take effect at once, as in epoll(7).`,
  },
  "numbers-are-never-used-again": {
    cause: "chosen",
    why: `The kernel gives a closed number to the next socket, whose events then come under the old
      registration. weft's numbers are its own and are not used twice: NVAL stays until unregister.`,
  },
  "numbers-are-wefts-own": {
    cause: "chosen",
    why:
      `Descriptors are weft's own numbers, not the kernel's. A number that no handle has, or had, is told
      as NVAL or refused by \`register\`; which of the two is for the registry to say.`,
  },
  "unknown-bits": {
    cause: "chosen",
    why:
      `CPython takes any unsigned short and the kernel ignores bits it does not know. weft may refuse them;
      a mask that is negative, fractional or above 16 bits is refused by both.`,
  },
} as const satisfies Record<string, { readonly cause: DeviationCause; readonly why: string }>;

/** The name of a deviation. */
export type Deviation = keyof typeof DEVIATIONS;

/** Sockets that connect. */
export type StreamKind = "tcp" | "unix";
/** Sockets that do not. */
export type DatagramKind = "udp" | "unixpacket";
/** Names joined by "|", or "0"; or a raw number, to see it refused. */
export type Mask = string | number;
/** Milliseconds, or no timeout at all; any other text is there to be refused. */
export type Timeout = number | "wait" | string;

/** What is registered: a handle, or a raw value in place of one. */
export type Target =
  | { readonly handle: string; readonly by?: "object" }
  | { readonly fd: number | string };

/** Steps that make handles and peers. */
export type OpenStep =
  | { readonly do: "listen"; readonly as: string; readonly kind: StreamKind }
  | { readonly do: "connect"; readonly as: string; readonly to: string }
  | { readonly do: "accept" | "tryAccept"; readonly from: string; readonly as: string }
  | {
    readonly do: "pair";
    readonly kind: StreamKind;
    readonly as: string;
    readonly peer: string;
  }
  | { readonly do: "peerListen"; readonly as: string; readonly kind: StreamKind }
  | { readonly do: "dial"; readonly as: string; readonly to: string; readonly peer: string }
  | { readonly do: "dialStart"; readonly as: string; readonly to: string }
  | { readonly do: "socket"; readonly as: string; readonly kind: StreamKind }
  | { readonly do: "bind"; readonly as: string; readonly kind: DatagramKind }
  | {
    readonly do: "peerBind";
    readonly as: string;
    readonly kind: DatagramKind;
    readonly to: string;
  }
  | {
    readonly do: "spawn";
    readonly peer: string;
    readonly stdin: string;
    readonly stdout: string;
  }
  | { readonly do: "stdin"; readonly as: string; readonly peer: string };

/** Steps that speak to a registry. */
export type RegistryStep =
  | { readonly do: "registry"; readonly as: string; readonly kind: "poll" | "epoll" }
  | { readonly do: "register"; readonly registry?: string; readonly mask?: Mask } & Target
  | { readonly do: "modify"; readonly registry?: string; readonly mask: Mask } & Target
  | { readonly do: "unregister"; readonly registry?: string } & Target
  | {
    readonly do: "poll";
    readonly registry?: string;
    readonly timeout?: Timeout;
    readonly meanwhile?: readonly Step[];
  }
  | {
    readonly do: "select";
    readonly read: readonly string[];
    readonly write: readonly string[];
    readonly except: readonly string[];
    readonly timeout: number;
  };

/** Steps of the polled side. */
export type TrafficStep =
  | { readonly do: "send" | "recv" | "recvFrom"; readonly handle: string; readonly bytes: number }
  | { readonly do: "fill"; readonly handle: string; readonly peer?: string }
  | {
    readonly do: "sendTo";
    readonly handle: string;
    readonly peer: string;
    readonly bytes: number;
  }
  | { readonly do: "closeWrite" | "close"; readonly handle: string };

/** Steps of the peers. */
export type PeerStep =
  | { readonly do: "peerSend" | "peerRecv"; readonly peer: string; readonly bytes: number }
  | { readonly do: "peerDrain"; readonly peer: string; readonly handle: string }
  | {
    readonly do:
      | "peerUrgent"
      | "peerSees"
      | "peerCloseRead"
      | "peerCloseWrite"
      | "peerClose"
      | "peerReset"
      | "peerExit"
      | "peerKill";
    readonly peer: string;
  };

/** One step of a scenario. */
export type Step = OpenStep | RegistryStep | TrafficStep | PeerStep;

/** What one scenario is about, and how it goes. */
export interface Scenario {
  /** Its name, which no other has. */
  readonly name: string;
  /** The kind of handle, or the part, that it examines. */
  readonly kind: string;
  /** What it shows, in a sentence. */
  readonly about: string;
  /** Why weft's answers may differ from the golden ones. */
  readonly deviations: readonly Deviation[];
  /** What is done, in order. */
  readonly steps: readonly Step[];
}

/** What one step had to say on CPython; see the head of `record.py`. */
export interface GoldenLine {
  /** The index of the step. */
  readonly step: number;
  /** The index within the step's `meanwhile`. */
  readonly meanwhile?: number;
  /** The step's `do`. */
  readonly do: Step["do"];
  /** Whether a timed poll or select took its whole timeout. */
  readonly waited?: boolean;
  /** What a poll told: "NAME=MASK NAME=MASK", sorted by name. */
  readonly ready?: string;
  /** What a call returned. */
  readonly result?: number | string;
  /** The errno or exception that it raised. */
  readonly raised?: string;
  /** What a select told, names sorted and joined by spaces. */
  readonly read?: string;
  /** As `read`. */
  readonly write?: string;
  /** As `read`. */
  readonly except?: string;
}

/** A scenario and what CPython's poller said to it. */
export interface Transcript {
  /** The script. */
  readonly scenario: Scenario;
  /** The answers. */
  readonly golden: readonly GoldenLine[];
}

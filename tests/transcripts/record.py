"""Plays scenarios.json on CPython's own `select.poll` and writes what it said to golden.json.

    python3 record.py                 records anew
    python3 record.py --check         plays, and fails if golden.json says otherwise
    python3 record.py NAME ...        plays some scenarios and prints them; writes nothing

Why this way
------------
weft claims that its registry behaves as poll(2) does on Linux. A table of masks written from
memory would only repeat what its author believes, and the manual page is silent on most of it.
So the same script of events is played twice: here on real sockets with CPython's `select.poll`,
once, with the answers kept; and on weft's registry by its own tests, which compare. What differs
for a reason that lies in Deno is named, scenario by scenario, under "deviations" in
scenarios.json and explained in scenario.ts.

Recorded on Linux 6.18 with CPython 3.11. Other kernels of the last ten years should agree; run
with --check to know.

What makes it repeatable
------------------------
* Handles are told by the names the scenario gives them, never by number, and answers are sorted.
* The peers live in another process (peers.py) and answer when their system call has returned.
  What they sent may still be on its way through the loopback device. So before a poll that does
  not wait, everything observable of the handles (events, bytes queued, TCP state) is sampled
  until it has not changed for a while; then the poll under test is called, once.
* Each scenario is played twice, and again with more looks if the two differ. If they go on
  differing nothing is written.

Steps
-----
"S", "L", "U", "R", "W" ... name handles on the polled side, "c", "u", "k" ... name peers. `kind`
is "tcp", "unix", "udp" or "unixpacket" (Deno's name for AF_UNIX SOCK_DGRAM). No step of the polled
side waits, except a poll that says so: a call that would have to wait raises EAGAIN.

Handles and peers
    listen       as kind            a listener of the polled side
    connect      as to              a peer connects to listener `to`
    accept       from as            takes a connection known to be waiting
    tryAccept    from as            takes one if there is one; its outcome is recorded
    pair         kind as peer       a connection in one step: `as` was accepted, `peer` connected
    peerListen   as kind            a peer listens
    dial         as to peer         the polled side connects to peer listener `to`, whose end of
                                    the connection is `peer`
    dialStart    as to              begins to connect, and leaves it at that
    socket       as kind            a socket on which nothing was done
    bind         as kind            a datagram socket
    peerBind     as kind to         a peer's datagram socket, which sends to handle `to`
    spawn        peer stdin stdout  a child process; names the write end of its stdin and the read
                                    end of its stdout
    stdin        as peer            the own standard input, a pipe; `peer` is its write end
Registry (`registry` names one; it may be left out for the one that is there from the start)
    registry     as kind            another one: "poll", or "epoll" for edge-triggered and one-shot
    register     handle|fd mask     `mask` is names joined by "|", "0", or a raw number; left out,
                                    it is the default. `fd` is a raw value in place of a handle.
                                    `by: "object"` passes the socket object instead of its number
    modify       handle|fd mask     as register
    unregister   handle|fd          as register
    poll         timeout meanwhile  without `timeout`: let things settle, then poll(0). With one:
                                    settle, then a single call with it ("wait": none at all), and
                                    `waited` tells whether it took that long. `meanwhile` holds
                                    steps that are done by another thread while the poll waits
    select       read write except timeout
Traffic of the polled side
    send         handle bytes       one send; its outcome is how many bytes were taken
    fill         handle [peer]      sends until nothing more is taken (to `peer`, if datagrams)
    recv         handle bytes       one receive; 0 is the end of the stream
    recvFrom     handle bytes       one datagram, cut at `bytes`
    sendTo       handle peer bytes  one datagram
    closeWrite   handle             shutdown(SHUT_WR)
    close        handle             close; the registry is not told
Traffic of the peers
    peerSend     peer bytes         all of them, or one datagram
    peerUrgent   peer               one urgent byte
    peerRecv     peer bytes         exactly so many, or one datagram
    peerDrain    peer handle        everything that `handle` has sent and `peer` not yet received
    peerSees     peer               what it finds: "bytes", "EOF", "nothing", or an error
    peerCloseRead, peerCloseWrite, peerClose, peerReset, peerExit, peerKill      see peers.py

What is recorded
----------------
One line for each poll, select, peerSees, and each call of the polled side that has an outcome;
one for any other step only if it raised. `step` is the step's index; lines of `meanwhile` stand
before the poll they ran beside and carry their own index as well. `raised` is the name of the
errno, or of the exception where there is none. `ready` is "NAME=MASK NAME=MASK ...", where NAME
is the handle that was registered (after a close its number may be another's).
"""

import errno
import faulthandler
import fcntl
import itertools
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
from peers import FAMILIES  # noqa: E402

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers.py"
SCENARIOS = HERE / "scenarios.json"
GOLDEN = HERE / "golden.json"

MASKS = {
    "IN": select.POLLIN,
    "PRI": select.POLLPRI,
    "OUT": select.POLLOUT,
    "ERR": select.POLLERR,
    "HUP": select.POLLHUP,
    "NVAL": select.POLLNVAL,
    "RDHUP": select.POLLRDHUP,
    "ET": select.EPOLLET,
    "ONESHOT": select.EPOLLONESHOT,
}

EVERYTHING = select.POLLIN | select.POLLPRI | select.POLLOUT | select.POLLRDHUP
SAMPLE = 0.0005
"""Seconds between two samples of the handles' state."""
LOOKS = 4
"""How many samples must agree before a state counts as settled; after a doubt, ten times that."""
FULL = 20
"""The same for "the buffer stays full", since the receiving kernel may take a little more."""
HEAD_START = 0.01
"""Seconds the steps beside a waiting poll leave it to begin waiting."""
LIMIT = 10.0
"""Seconds after which a settling counts as stuck; a scenario is given six times that."""

OBSERVED = {
    "tryAccept": "result",
    "dialStart": "result",
    "send": "result",
    "recv": "result",
    "recvFrom": "result",
    "sendTo": "result",
    "peerSees": "result",
    "poll": "ready",
}
"""Steps whose value is recorded, and the field it is recorded under."""

REGISTRY_STEPS = {"register", "modify", "unregister", "poll", "select"}
UNDER_TEST = {*OBSERVED, *REGISTRY_STEPS, "closeWrite"} - {"peerSees"}
"""Steps whose errors are recorded; in any other step an error is a fault of the scenario."""


class ScenarioError(Exception):
    """The scenario, or this program, is at fault; never recorded."""


def parse_mask(mask):
    """Turns "IN|OUT", "0" or a raw number into what `register` takes."""
    if not isinstance(mask, str):
        return mask
    return sum(MASKS[name] for name in mask.split("|")) if mask != "0" else 0


def format_mask(mask):
    """Turns an answer's mask into names."""
    return "|".join(name for name, bit in MASKS.items() if mask & bit) or "0"


class PeerProcess:
    """The process that plays the peers."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(PEERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, op, **fields):
        """Has one action done and returns its answer; a failing one is a fault of the scenario."""
        self.process.stdin.write(json.dumps({"op": op, **fields}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ScenarioError(f"peer cannot {op} {fields}: {answer['error']}")
        return answer["ok"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(LIMIT)
        self.process.stdout.close()


class Handle:
    """One descriptor of the polled side: a socket, or an unbuffered file for a pipe."""

    def __init__(self, kind, obj):
        self.kind = kind
        self.obj = obj
        self.fd = obj.fileno()
        self.sent = 0
        os.set_blocking(self.fd, False)

    @property
    def open(self):
        return not self.obj.closed if self.kind == "pipe" else self.obj.fileno() >= 0

    def send(self, data):
        count = os.write(self.fd, data) if self.kind == "pipe" else self.obj.send(data)
        self.sent += count
        return count

    def recv(self, size):
        return len(os.read(self.fd, size) if self.kind == "pipe" else self.obj.recv(size))

    def state(self):
        """Everything that shows whether something is still arriving."""
        poller = select.poll()
        poller.register(self.fd, EVERYTHING)
        events = poller.poll(0)
        try:
            queued = fcntl.ioctl(self.fd, termios.FIONREAD, b"\0\0\0\0")
        except OSError:
            queued = None  # a listener, or the write end of a pipe
        tcp = None
        if self.kind == "tcp":
            tcp = self.obj.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return events, queued, tcp


class Registry:
    """`select.poll` or `select.epoll`, and the names of what is registered in it."""

    def __init__(self, kind):
        self.kind = kind
        self.poller = select.epoll() if kind == "epoll" else select.poll()
        self.names = {}

    def poll(self, timeout):
        """Calls the poller under test, once; `timeout` in ms, ("wait",) for no argument."""
        if self.kind == "epoll" and timeout != ("wait",):
            timeout = timeout / 1000
        events = self.poller.poll() if timeout == ("wait",) else self.poller.poll(timeout)
        answer = sorted((self.names[fd], mask) for fd, mask in events)
        return " ".join(f"{name}={format_mask(mask)}" for name, mask in answer)

    def close(self):
        if self.kind == "epoll":
            self.poller.close()


class Player:
    """Plays one scenario. Each `do_X` method is the step X; it returns what may be recorded."""

    def __init__(self, peers, folder, looks):
        self.peers = peers
        self.folder = folder
        self.looks = looks
        self.handles = {}
        self.registries = {"P": Registry("poll")}
        self.addresses = {}
        self.received = {}
        self.kinds = {}
        self.children = []
        self.saved_stdin = None
        self.numbers = itertools.count()
        self.lines = []

    # Playing and recording

    def play(self, steps):
        """Plays all steps and returns the recorded lines."""
        for index, step in enumerate(steps):
            self.step(step, {"step": index}, self.lines)
        return self.lines

    def step(self, step, where, lines):
        """Does one step and adds to `lines` what it had to say."""
        name = step["do"]
        line = {**where, "do": name}
        try:
            value = getattr(self, "do_" + name)(step, line)
        except OSError as error:
            if name not in UNDER_TEST:
                raise
            line["raised"] = errno.errorcode[error.errno]
        except (ValueError, TypeError, KeyError, OverflowError, RuntimeError) as error:
            if name not in REGISTRY_STEPS:
                raise
            line["raised"] = type(error).__name__
        else:
            if name == "select":
                line.update(value)
            elif name in OBSERVED:
                line[OBSERVED[name]] = value
            else:
                return
        lines.append(line)

    def handle(self, name):
        if name not in self.handles:
            raise ScenarioError(f"no handle {name!r}")
        return self.handles[name]

    def address(self, name):
        if name not in self.addresses:
            raise ScenarioError(f"no address of {name!r}")
        return self.addresses[name]

    def path(self):
        return f"{self.folder}/{next(self.numbers)}"

    def place(self, kind):
        """Where a socket of a kind is bound."""
        return self.path() if kind.startswith("unix") else ("127.0.0.1", 0)

    def open(self, kind):
        return socket.socket(*FAMILIES[kind])

    def state(self):
        return [handle.state() for handle in self.handles.values() if handle.open]

    def settle(self, looks=None):
        """Waits until the state of all handles has stayed the same for a while."""
        looks = looks or self.looks
        limit = time.monotonic() + LIMIT
        last, same = self.state(), 0
        while same < looks:
            if time.monotonic() > limit:
                raise ScenarioError("state does not settle")
            time.sleep(SAMPLE)
            now = self.state()
            same = same + 1 if now == last else 0
            last = now

    def close(self):
        """Leaves nothing behind."""
        for handle in self.handles.values():
            handle.obj.close()
        if self.saved_stdin is not None:
            os.dup2(self.saved_stdin, 0)
            os.close(self.saved_stdin)
        for registry in self.registries.values():
            registry.close()
        self.peers.ask("clear")
        for child in self.children:
            child.wait(LIMIT)

    # Handles and peers

    def do_listen(self, step, _line):
        sock = self.open(step["kind"])
        sock.bind(self.place(step["kind"]))
        sock.listen(16)
        self.handles[step["as"]] = Handle(step["kind"], sock)
        self.addresses[step["as"]] = sock.getsockname()

    def do_connect(self, step, _line):
        kind, address = self.handle(step["to"]).kind, self.address(step["to"])
        self.peers.ask("connect", **{"as": step["as"]}, kind=kind, address=address)

    def do_accept(self, step, line):
        self.settle()
        try:
            self.do_tryAccept(step, line)
        except BlockingIOError:
            raise ScenarioError(f"no connection waits: {step}") from None

    def do_tryAccept(self, step, _line):
        listener = self.handle(step["from"])
        sock, _ = listener.obj.accept()
        self.handles[step["as"]] = Handle(listener.kind, sock)
        return "ok"

    def do_pair(self, step, _line):
        with self.open(step["kind"]) as listener:
            listener.bind(self.place(step["kind"]))
            listener.listen(1)
            address = listener.getsockname()
            self.peers.ask("connect", **{"as": step["peer"]}, kind=step["kind"], address=address)
            listener.settimeout(LIMIT)
            sock, _ = listener.accept()
        self.handles[step["as"]] = Handle(step["kind"], sock)

    def do_peerListen(self, step, _line):
        kind = step["kind"]
        path = {"path": self.path()} if kind == "unix" else {}
        address = self.peers.ask("listen", **{"as": step["as"]}, kind=kind, **path)
        self.kinds[step["as"]] = kind
        self.addresses[step["as"]] = tuple(address) if isinstance(address, list) else address

    def do_dial(self, step, _line):
        sock = self.open(self.kinds[step["to"]])
        sock.connect(self.address(step["to"]))
        self.handles[step["as"]] = Handle(self.kinds[step["to"]], sock)
        self.peers.ask("accept", **{"from": step["to"], "as": step["peer"]})

    def do_dialStart(self, step, _line):
        self.do_socket({"as": step["as"], "kind": self.kinds[step["to"]]}, None)
        code = self.handle(step["as"]).obj.connect_ex(self.address(step["to"]))
        return errno.errorcode.get(code, "ok")

    def do_socket(self, step, _line):
        self.handles[step["as"]] = Handle(step["kind"], self.open(step["kind"]))

    def do_bind(self, step, _line):
        sock = self.open(step["kind"])
        sock.bind(self.place(step["kind"]))
        self.handles[step["as"]] = Handle(step["kind"], sock)
        self.addresses[step["as"]] = sock.getsockname()

    def do_peerBind(self, step, _line):
        kind, to = step["kind"], self.address(step["to"])
        path = {"path": self.path()} if kind == "unixpacket" else {}
        address = self.peers.ask("bind", **{"as": step["as"]}, kind=kind, to=to, **path)
        self.addresses[step["as"]] = tuple(address) if isinstance(address, list) else address

    def do_spawn(self, step, _line):
        gate = self.path()
        self.peers.ask("gate", path=gate)
        child = subprocess.Popen(
            [sys.executable, str(PEERS), "child", gate],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.children.append(child)
        self.handles[step["stdin"]] = Handle("pipe", child.stdin)
        self.handles[step["stdout"]] = Handle("pipe", child.stdout)
        self.peers.ask("child", **{"as": step["peer"]})

    def do_stdin(self, step, _line):
        # A named pipe, so that the peers' process can open its other end. Once opened for
        # writing it does not differ from an anonymous one.
        path = self.path()
        os.mkfifo(path)
        read_end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.peers.ask("fifo", **{"as": step["peer"]}, path=path)
        self.saved_stdin = os.dup(0)
        os.dup2(read_end, 0)
        os.close(read_end)
        self.handles[step["as"]] = Handle("pipe", open(0, "rb", buffering=0, closefd=False))

    # Registry

    def registry(self, step):
        return self.registries[step.get("registry", "P")]

    def target(self, step):
        """What is passed to the registry, and the name it goes by in answers."""
        if "fd" in step:
            return step["fd"], f"fd{step['fd']}"
        handle = self.handle(step["handle"])
        by_object = step.get("by") == "object"
        return handle.obj if by_object else handle.fd, step["handle"]

    def do_registry(self, step, _line):
        replaced = self.registries.pop(step["as"], None)
        if replaced:
            replaced.close()
        self.registries[step["as"]] = Registry(step["kind"])

    def do_register(self, step, _line):
        registry = self.registry(step)
        target, name = self.target(step)
        args = [parse_mask(step["mask"])] if "mask" in step else []
        registry.poller.register(target, *args)
        registry.names[target if isinstance(target, int) else target.fileno()] = name

    def do_modify(self, step, _line):
        self.registry(step).poller.modify(self.target(step)[0], parse_mask(step["mask"]))

    def do_unregister(self, step, _line):
        self.registry(step).poller.unregister(self.target(step)[0])

    def do_poll(self, step, line):
        registry = self.registry(step)
        timeout = step.get("timeout", 0)
        if timeout == "wait":
            timeout = ("wait",)
        if timeout != 0 or "timeout" not in step:
            self.settle()
        helper = None
        if "meanwhile" in step:
            helper = Meanwhile(self, step["meanwhile"], line["step"])
        begin = time.monotonic()
        if helper:
            helper.go.set()
        try:
            return registry.poll(timeout)
        finally:
            took = (time.monotonic() - begin) * 1000
            if isinstance(timeout, (int, float)) and 0 < timeout < 1 << 31:
                line["waited"] = took >= timeout
            if helper:
                helper.finish(self.lines)

    def do_select(self, step, line):
        self.settle()
        keys = ("read", "write", "except")
        lists = [[self.handle(name).fd for name in step[key]] for key in keys]
        names = {self.handle(name).fd: name for key in keys for name in step[key]}
        timeout = step.get("timeout", 0)
        begin = time.monotonic()
        answer = select.select(*lists, timeout / 1000)
        if timeout > 0:
            line["waited"] = (time.monotonic() - begin) * 1000 >= timeout
        return {
            key: " ".join(sorted(names[fd] for fd in ready))
            for key, ready in zip(keys, answer)
        }

    # Traffic of the polled side

    def do_send(self, step, _line):
        return self.handle(step["handle"]).send(b"x" * step["bytes"])

    def do_fill(self, step, _line):
        handle = self.handle(step["handle"])
        poller = select.poll()
        poller.register(handle.fd, select.POLLOUT)
        while True:
            try:
                while True:
                    if "peer" in step:
                        handle.obj.sendto(b"x" * 10, self.address(step["peer"]))
                    else:
                        handle.send(b"x" * 65536)
            except BlockingIOError:
                pass
            self.settle(max(FULL, self.looks))
            if "peer" in step or not poller.poll(0):
                return

    def do_recv(self, step, _line):
        self.settle()
        return self.handle(step["handle"]).recv(step["bytes"])

    def do_recvFrom(self, step, _line):
        self.settle()
        return len(self.handle(step["handle"]).obj.recvfrom(step["bytes"])[0])

    def do_sendTo(self, step, _line):
        sock = self.handle(step["handle"]).obj
        return sock.sendto(b"x" * step["bytes"], self.address(step["peer"]))

    def do_closeWrite(self, step, _line):
        self.handle(step["handle"]).obj.shutdown(socket.SHUT_WR)

    def do_close(self, step, _line):
        self.handle(step["handle"]).obj.close()

    # Traffic of the peers

    def do_peerSend(self, step, _line):
        self.peers.ask("send", peer=step["peer"], bytes=step["bytes"])

    def do_peerUrgent(self, step, _line):
        self.peers.ask("urgent", peer=step["peer"])

    def do_peerRecv(self, step, _line):
        name, wanted = step["peer"], step["bytes"]
        count = self.peers.ask("recv", peer=name, bytes=wanted)
        self.received[name] = self.received.get(name, 0) + count

    def do_peerDrain(self, step, _line):
        left = self.handle(step["handle"]).sent - self.received.get(step["peer"], 0)
        self.do_peerRecv({"peer": step["peer"], "bytes": left}, None)

    def do_peerSees(self, step, _line):
        self.settle()
        return self.peers.ask("sees", peer=step["peer"])

    def do_peerCloseRead(self, step, _line):
        self.peers.ask("closeRead", peer=step["peer"])

    def do_peerCloseWrite(self, step, _line):
        self.peers.ask("closeWrite", peer=step["peer"])

    def do_peerClose(self, step, _line):
        self.peers.ask("close", peer=step["peer"])

    def do_peerReset(self, step, _line):
        self.peers.ask("reset", peer=step["peer"])

    def do_peerExit(self, step, _line):
        self.peers.ask("exit", peer=step["peer"])

    def do_peerKill(self, step, _line):
        self.peers.ask("kill", peer=step["peer"])


class Meanwhile:
    """A thread that does some steps while a poll waits."""

    def __init__(self, player, steps, index):
        self.player = player
        self.steps = steps
        self.index = index
        self.lines = []
        self.failure = None
        self.go = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.go.wait()
        time.sleep(HEAD_START)
        try:
            for number, step in enumerate(self.steps):
                where = {"step": self.index, "meanwhile": number}
                self.player.step(step, where, self.lines)
        except Exception as error:
            self.failure = error

    def finish(self, lines):
        self.thread.join(LIMIT)
        if self.failure:
            raise ScenarioError(f"beside the poll: {self.failure}") from self.failure
        lines.extend(self.lines)


def play_once(peers, scenario, looks):
    """Plays one scenario from nothing to nothing."""
    faulthandler.dump_traceback_later(6 * LIMIT, exit=True)
    with tempfile.TemporaryDirectory(prefix="weft-") as folder:
        player = Player(peers, folder, looks)
        try:
            return player.play(scenario["steps"])
        except Exception as error:
            raise ScenarioError(f"{scenario['name']}: {error}") from error
        finally:
            player.close()
            faulthandler.cancel_dump_traceback_later()


def play(peers, scenario):
    """Plays one scenario until two runs agree."""
    first, second = (play_once(peers, scenario, LOOKS) for _ in range(2))
    if first == second:
        return first
    slow = [play_once(peers, scenario, 10 * LOOKS) for _ in range(3)]
    if slow[0] == slow[1] == slow[2]:
        return slow[0]
    raise ScenarioError(f"{scenario['name']}: no two runs agree:\n{render({'': slow[0]})}")


def render_line(line):
    body = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in line.items())
    return "{ " + body + " }"


def render(transcripts):
    """One line for each recorded step, so that a difference reads as one."""
    parts = []
    for name, lines in transcripts.items():
        body = ",\n".join("    " + render_line(line) for line in lines)
        parts.append(f"  {json.dumps(name)}: [\n{body}\n  ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(args):
    scenarios = json.loads(SCENARIOS.read_text())
    check = args == ["--check"]
    chosen = [] if check else args
    unknown = set(chosen) - {scenario["name"] for scenario in scenarios}
    if unknown:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}")
    peers = PeerProcess()
    try:
        transcripts = {
            scenario["name"]: play(peers, scenario)
            for scenario in scenarios
            if not chosen or scenario["name"] in chosen
        }
    finally:
        peers.close()
    text = render(transcripts)
    if chosen:
        sys.stdout.write(text)
    elif not check:
        GOLDEN.write_text(text)
    elif GOLDEN.read_text() != text:
        golden = json.loads(GOLDEN.read_text())
        for name in golden.keys() | transcripts.keys():
            if golden.get(name) != transcripts.get(name):
                sys.stdout.write(f"differs: {render({name: transcripts.get(name, [])})}")
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The other end of every transcript scenario, driven by one line of JSON per action.

Why a program of its own
------------------------
A transcript compares two pollers: CPython's `select.poll` (record.py) and weft's registry. The
only thing that may differ between the two runs is the poller, so the peers are the same code in
both: this program, started as a child by either side. It also does what Deno cannot do to a
socket (SO_LINGER 0, urgent bytes, shutdown of the read side), and in a process of its own it
never takes a descriptor number that a scenario has just closed.

Protocol
--------
One request a line on stdin, one answer a line on stdout, strictly in turn. An answer is sent when
the system call has returned, so what the peer did has left the peer when the player goes on. At
end of input the program ends and takes every socket with it.

    {"op": "connect", "as": "c", "kind": "tcp", "address": ["127.0.0.1", 4000]}
    {"ok": ["127.0.0.1", 50000]}            or        {"error": "ECONNREFUSED"}

`kind` is "tcp", "unix", "udp" or "unixpacket" (Deno's word for AF_UNIX SOCK_DGRAM). An address
is [host, port], or a path. `bytes` is a count: what is sent is always that many "x".

    listen      as kind [path]      listens; answers the address
    connect     as kind address     connects; answers the own address
    accept      from as             takes the next connection of a listener
    bind        as kind [path] to   binds a datagram socket that sends to address `to`
    fifo        as path             opens the write end of a named pipe
    gate        path                listens for the control connection of child processes
    child       as                  waits for a child (see below) that has just been spawned
    send        peer bytes          sends all of it, or one datagram
    urgent      peer                sends one urgent (out-of-band) byte
    recv        peer bytes          takes exactly so many bytes, or one datagram; answers how many
    sees        peer                looks without taking: "bytes", "EOF", "nothing" or an errno
    closeRead   peer                shutdown(SHUT_RD); a child closes its stdin
    closeWrite  peer                shutdown(SHUT_WR); a child closes its stdout
    close       peer                closes
    reset       peer                closes with SO_LINGER 0, which sends RST
    exit        peer                a child exits with code 0
    kill        peer                a child is killed with SIGKILL
    clear                           closes everything, ready for the next scenario

Child processes
---------------
`python3 peers.py child PATH` is what the polled side spawns to have pipes to poll. The child
takes its orders over a unix socket at PATH (the gate), so that stdin and stdout carry nothing but
the bytes of the scenario.
"""

import errno
import json
import os
import select
import signal
import socket
import struct
import sys

LIMIT = 10.0
"""Seconds after which an action that should have ended counts as stuck."""

FAMILIES = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM),
    "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM),
    "unixpacket": (socket.AF_UNIX, socket.SOCK_DGRAM),
}


def make_socket(kind):
    """Opens a socket of a kind, with a limit on every wait."""
    sock = socket.socket(*FAMILIES[kind])
    sock.settimeout(LIMIT)
    return sock


def as_address(value):
    """Turns a JSON address into one the socket module takes."""
    return tuple(value) if isinstance(value, list) else value


def look(sock):
    """Says what a reader would find, without taking it."""
    if not select.select([sock], [], [], 0.05)[0]:
        return "nothing"
    try:
        return "bytes" if sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) else "EOF"
    except OSError as error:
        return errno.errorcode[error.errno]


class Stream:
    """A connected stream socket."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, count):
        self.sock.sendall(b"x" * count)

    def urgent(self):
        self.sock.send(b"!", socket.MSG_OOB)

    def recv(self, count):
        left = count
        while left:
            data = self.sock.recv(min(left, 1 << 20))
            if not data:
                break
            left -= len(data)
        return count - left

    def sees(self):
        return look(self.sock)

    def close_read(self):
        self.sock.shutdown(socket.SHUT_RD)

    def close_write(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


class Datagrams:
    """A datagram socket that knows whom it sends to."""

    def __init__(self, sock, to):
        self.sock = sock
        self.to = to

    def send(self, count):
        self.sock.sendto(b"x" * count, self.to)

    def recv(self, count):
        return len(self.sock.recv(count))

    def sees(self):
        return look(self.sock)

    def close(self):
        self.sock.close()


class Writer:
    """The write end of a named pipe."""

    def __init__(self, path):
        self.file = open(path, "wb", buffering=0)

    def send(self, count):
        while count:
            count -= self.file.write(b"x" * count)

    def close(self):
        self.file.close()


class Child:
    """A child process of the polled side, obeying over its control connection."""

    def __init__(self, sock):
        self.sock = sock
        self.lines = sock.makefile("rw", encoding="utf-8")
        self.pid = json.loads(self.lines.readline())

    def ask(self, *order):
        self.lines.write(json.dumps(order) + "\n")
        self.lines.flush()
        return json.loads(self.lines.readline())

    def wait_gone(self):
        # A dying process closes its descriptors in order of their numbers: when the control
        # connection breaks, stdin and stdout are closed already.
        self.lines.read()

    def send(self, count):
        self.ask("write", count)

    def recv(self, count):
        return self.ask("read", count)

    def close_read(self):
        self.ask("close", 0)

    def close_write(self):
        self.ask("close", 1)

    def exit(self):
        self.lines.write('["exit"]\n')
        self.lines.flush()
        self.wait_gone()

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.wait_gone()

    def close(self):
        try:
            self.lines.close()
        except OSError:
            pass  # the child is gone and the last order with it
        self.sock.close()


class Peers:
    """The peers of one scenario by name, and one method for each action."""

    METHODS = {
        "urgent": "urgent",
        "sees": "sees",
        "closeRead": "close_read",
        "closeWrite": "close_write",
        "close": "close",
        "reset": "reset",
        "exit": "exit",
        "kill": "kill",
    }

    def __init__(self):
        self.named = {}
        self.gate = None

    def handle(self, request):
        """Does one request; returns what goes into the answer's "ok"."""
        match request:
            case {"op": "listen", "as": name, "kind": kind, **rest}:
                sock = make_socket(kind)
                sock.bind(rest.get("path", ("127.0.0.1", 0)))
                sock.listen(16)
                self.named[name] = Stream(sock)
                return sock.getsockname()
            case {"op": "connect", "as": name, "kind": kind, "address": address}:
                sock = make_socket(kind)
                self.named[name] = Stream(sock)
                sock.connect(as_address(address))
                return sock.getsockname()
            case {"op": "accept", "from": listener, "as": name}:
                sock, _ = self.named[listener].sock.accept()
                sock.settimeout(LIMIT)
                self.named[name] = Stream(sock)
                return None
            case {"op": "bind", "as": name, "kind": kind, "to": to, **rest}:
                sock = make_socket(kind)
                sock.bind(rest.get("path", ("127.0.0.1", 0)))
                self.named[name] = Datagrams(sock, as_address(to))
                return sock.getsockname()
            case {"op": "fifo", "as": name, "path": path}:
                self.named[name] = Writer(path)
                return None
            case {"op": "gate", "path": path}:
                self.gate = make_socket("unix")
                self.gate.bind(path)
                self.gate.listen(16)
                return path
            case {"op": "child", "as": name}:
                sock, _ = self.gate.accept()
                sock.settimeout(LIMIT)
                self.named[name] = Child(sock)
                return self.named[name].pid
            case {"op": "send", "peer": name, "bytes": count}:
                return self.named[name].send(count)
            case {"op": "recv", "peer": name, "bytes": count}:
                return self.named[name].recv(count)
            case {"op": "clear"}:
                return self.clear()
            case {"op": op, "peer": name} if op in self.METHODS:
                return getattr(self.named[name], self.METHODS[op])()
        raise ValueError(f"unknown request: {request}")

    def clear(self):
        """Closes everything that a scenario left open."""
        for peer in self.named.values():
            peer.close()
        self.named.clear()
        if self.gate:
            self.gate.close()
            self.gate = None


def serve():
    """Answers requests until the end of input."""
    peers = Peers()
    for line in sys.stdin:
        try:
            answer = {"ok": peers.handle(json.loads(line))}
        except OSError as error:
            answer = {"error": errno.errorcode.get(error.errno, type(error).__name__)}
        except Exception as error:  # a slip in a scenario: its player shall say which
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def obey(path):
    """Is the child whose pipes are polled: takes orders until the control connection ends."""
    control = make_socket("unix")
    control.connect(path)
    control.settimeout(None)
    lines = control.makefile("rw", encoding="utf-8")

    def answer(value):
        lines.write(json.dumps(value) + "\n")
        lines.flush()

    answer(os.getpid())
    for line in lines:
        match json.loads(line):
            case ["write", count]:
                while count:
                    count -= os.write(1, b"x" * count)
                answer(None)
            case ["read", count]:
                left = count
                while left and select.select([0], [], [], LIMIT)[0]:
                    data = os.read(0, left)
                    if not data:
                        break
                    left -= len(data)
                answer(count - left)
            case ["close", number]:
                os.close(number)
                answer(None)
            case ["exit"]:
                os._exit(0)
    os._exit(0)


if __name__ == "__main__":
    # Either way the one who started us says when to end; a Ctrl-C reaches it, not us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.argv[1:2] == ["child"]:
        obey(sys.argv[2])
    else:
        serve()

"""Clients of an upper-case echo server on UDP, written against the plain sockets API.

    python3 datagram_clients.py HOST:PORT CASE...
"""
import random
import socket
import sys

LIMIT = 5.0

WHERE, *CASES = sys.argv[1:]
host, port = WHERE.split(":")
SERVER = (host, int(port))


def bind():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(LIMIT)
    sock.bind(("127.0.0.1", 0))
    return sock


def ask(sock, data):
    sock.sendto(data, SERVER)
    reply(sock, data)


def reply(sock, data):
    got, sender = sock.recvfrom(65536)
    assert sender == SERVER, f"the reply came from {sender}"
    assert got == data.upper(), f"{got[:20]!r} ({len(got)} bytes) instead of {data[:20]!r} ({len(data)})"


def sizes():
    """Datagrams of every kind of size, up to the longest there can be, with every byte value."""
    with bind() as sock:
        for size in (1, 2, 255, 256, 1472, 1473, 9000, 32768, 65506, 65507):
            ask(sock, random.Random(size).randbytes(size))


def longest():
    """Datagrams of 65507 bytes, one after the other."""
    data = (bytes(range(256)) * 256)[:65507]
    with bind() as sock:
        for turn in range(20):
            ask(sock, data[turn:] + data[:turn])


def empty():
    """An empty datagram is a datagram: it is answered, and in its turn."""
    with bind() as sock:
        ask(sock, b"")
        for data in (b"a", b"", b"b", b"", b""):
            sock.sendto(data, SERVER)
        for data in (b"a", b"", b"b", b"", b""):
            reply(sock, data)


def pipelined():
    """Fifty datagrams go out before one reply is read: boundaries and order stay."""
    with bind() as sock:
        for turn in range(10):
            sent = [b"%d " % turn + b"abc" * i for i in range(50)]
            for data in sent:
                sock.sendto(data, SERVER)
            for data in sent:
                reply(sock, data)


def crowd():
    """A hundred clients at once: each gets its own reply and nobody else's."""
    socks = [bind() for _ in range(100)]
    for turn in range(3):
        for i, sock in enumerate(socks):
            sock.sendto(b"client %d of turn %d" % (i, turn), SERVER)
        for i, sock in enumerate(socks):
            reply(sock, b"client %d of turn %d" % (i, turn))
    for sock in socks:
        sock.setblocking(False)
        try:
            raise AssertionError(f"one too many: {sock.recv(100)!r}")
        except BlockingIOError:
            sock.close()


def connected():
    """A connected socket takes replies only from the address that it sent to."""
    with bind() as sock:
        sock.connect(SERVER)
        for i in range(20):
            sock.send(b"connected %d" % i)
            got = sock.recv(65536)
            assert got == b"CONNECTED %d" % i, got


def gone():
    """Clients that are gone when their reply comes disturb nobody."""
    for i in range(50):
        with bind() as sock:
            sock.sendto(b"no longer here", SERVER)
        if i % 10 == 0:
            with bind() as sock:
                ask(sock, b"but me %d" % i)


def flood():
    """Whatever the network drops of a flood, the server is there when it is over."""
    with bind() as flooder:
        for i in range(20_000):
            flooder.sendto(b"f" * (i % 1400), SERVER)
    with bind() as sock:
        sock.settimeout(0.5)
        for attempt in range(10):
            sock.sendto(b"after the flood", SERVER)
            try:
                got = sock.recv(100)
                assert got == b"AFTER THE FLOOD", got
                return
            except TimeoutError:
                continue
    raise AssertionError("no answer after the flood")


if __name__ == "__main__":
    for case in CASES:
        globals()[case]()

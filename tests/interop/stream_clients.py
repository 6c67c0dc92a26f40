"""Clients of an upper-case echo server on streams, written against the plain sockets API.

    python3 stream_clients.py tcp HOST:PORT CASE...
    python3 stream_clients.py unix PATH CASE...

Exits with 0 if the server did what a server of CPython's does, and with a traceback if not.
"""
import random
import selectors
import socket
import struct
import sys
import threading
import time

LIMIT = 10.0

TRANSPORT, WHERE, *CASES = sys.argv[1:]
if TRANSPORT == "tcp":
    host, port = WHERE.split(":")
    ADDRESS = (host, int(port))
else:
    ADDRESS = WHERE


def dial(small_buffers=False):
    sock = socket.socket(socket.AF_INET if TRANSPORT == "tcp" else socket.AF_UNIX, socket.SOCK_STREAM)
    if small_buffers:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.settimeout(LIMIT)
    sock.connect(ADDRESS)
    if TRANSPORT == "tcp":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def receive(sock, n):
    parts = []
    while n > 0:
        part = sock.recv(min(n, 1 << 18))
        if not part:
            raise EOFError(f"the server closed, {n} bytes short")
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def receive_to_end(sock):
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def ask(sock, data):
    sock.sendall(data)
    same(receive(sock, len(data)), data.upper())


def same(got, wanted):
    if got == wanted:
        return
    at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
    raise AssertionError(
        f"{len(got)} bytes instead of {len(wanted)}, different from {at}: "
        f"{got[at:at + 20]!r} instead of {wanted[at:at + 20]!r}"
    )


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def pipelined():
    """Many lines go out before one reply is read."""
    # A unix socket holds fewer small messages than TCP, whatever their bytes.
    count = 1000 if TRANSPORT == "tcp" else 100
    lines = [f"line {i} {'abc' * (i % 9)}\n".encode() for i in range(count)]
    with dial() as sock:
        for line in lines:
            sock.sendall(line)
        wanted = b"".join(lines).upper()
        same(receive(sock, len(wanted)), wanted)
        ask(sock, b"and one more")


def byte_at_a_time():
    """Each byte is sent by itself: with a reply to each, then without waiting for replies."""
    text = bytes(range(256)) * 2
    with dial() as sock:
        for i in range(300):
            ask(sock, text[i:i + 1])
        for i in range(len(text)):
            sock.send(text[i:i + 1])
        got = b"".join(receive(sock, 1) for _ in text)
        same(got, text.upper())


def half_close():
    """The sending side ends; everything sent before still comes back, and then the end."""
    for size in (0, 1, 5000, 200_000):
        data = random.Random(size).randbytes(size)
        with dial() as sock:
            sender = threading.Thread(target=lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR)))
            sender.start()
            same(receive_to_end(sock), data.upper())
            assert sock.recv(10) == b"", "after the end comes the end"
            sender.join()


def resets():
    """Clients reset at every stage; those that come later are served."""
    reset_at_every_stage(lambda: None)


def resets_beside():
    """Clients reset at every stage; one that was there before is served on."""
    with dial() as bystander:
        reset_at_every_stage(lambda: ask(bystander, b"still here"))


def reset_at_every_stage(check):
    for _ in range(8):
        reset(dial())  # nothing said
        sock = dial()
        sock.sendall(b"x" * 1000)
        reset(sock)  # in the middle of the request
        sock = dial()
        ask(sock, b"hello")
        sock.sendall(b"y" * 100_000)
        reset(sock)  # with replies on their way
        sock = dial(small_buffers=True)
        sock.setblocking(False)
        fill(sock, 1 << 20)
        reset(sock)  # with the server's buffers full
        sock = dial()
        sock.sendall(b"z" * 10)
        sock.close()  # closed without reading: a reset, too
        check()
        with dial() as later:
            ask(later, b"next, please")


def megabytes():
    """Messages of 1 MiB with every byte value, sent and received at the same time."""
    data = bytes(range(256)) * 4096
    with dial() as sock:
        for turn in range(4):
            message = data[turn:] + data[:turn]
            sender = threading.Thread(target=sock.sendall, args=(message,))
            sender.start()
            same(receive(sock, len(message)), message.upper())
            sender.join()


def quick_connects():
    """Two thousand connections as fast as they can be made, half of which say nothing."""
    for i in range(2000):
        with dial() as sock:
            if i % 2:
                ask(sock, b"a%d" % i)
    with dial() as sock:
        ask(sock, b"last")


def crowd():
    """Two hundred clients at once, answered whoever asks."""
    socks = [dial() for _ in range(200)]
    for i, sock in enumerate(socks):
        sock.sendall(b"client %d" % i)
    for i, sock in reversed(list(enumerate(socks))):
        same(receive(sock, len(b"client %d" % i)), b"CLIENT %d" % i)
    for sock in socks:
        sock.shutdown(socket.SHUT_WR)
    for sock in socks:
        assert receive_to_end(sock) == b""
        sock.close()


def one_after_the_other():
    """A sequential server leaves the second client waiting until the first has gone."""
    first, second = dial(), dial()
    ask(first, b"first")
    second.sendall(b"second")
    second.settimeout(0.2)
    try:
        raise AssertionError(f"answered too early: {second.recv(100)!r}")
    except TimeoutError:
        pass
    first.close()
    second.settimeout(LIMIT)
    same(receive(second, 6), b"SECOND")
    second.close()


PATTERN = bytes(i * 31 + (i >> 8) * 7 & 0xff for i in range(1 << 16))


def fill(sock, most=1 << 62):
    """Sends until the other side has taken nothing for a while; returns how much it took."""
    sent = 0
    still_since = time.monotonic()
    while sent < most:
        try:
            sent += sock.send(PATTERN[sent % len(PATTERN):])
            still_since = time.monotonic()
        except BlockingIOError:
            if time.monotonic() - still_since > 0.05:
                break
            time.sleep(0.002)
    return sent


def deaf_peers():
    """A hundred peers that read nothing are sent as much as the server takes.

    Prints `held` and how much that is, and waits for a line on stdin. Then some of them read it all.
    """
    peers = [dial(small_buffers=True) for _ in range(100)]
    for sock in peers:
        sock.setblocking(False)
    # All at once, in turns, until nobody has taken anything for a while.
    taken = [0] * len(peers)
    still_since = time.monotonic()
    while time.monotonic() - still_since < 0.4:
        for i, sock in enumerate(peers):
            try:
                while True:
                    taken[i] += sock.send(PATTERN[taken[i] % len(PATTERN):])
                    still_since = time.monotonic()
            except BlockingIOError:
                pass
        time.sleep(0.005)
    began = time.monotonic()
    with dial() as other:
        for i in range(100):
            ask(other, b"are you there %d" % i)
    took = time.monotonic() - began
    assert took < 2, f"another client waited {took:.1f} s for 100 answers"
    print(f"held {sum(taken)}", flush=True)
    sys.stdin.readline()
    whole = (PATTERN * (max(taken) // len(PATTERN) + 1)).upper()
    selector = selectors.DefaultSelector()
    read = [0] * len(peers)
    for i, sock in enumerate(peers):
        if i % 10 == 0:  # to check every byte of all takes long
            sock.shutdown(socket.SHUT_WR)
            selector.register(sock, selectors.EVENT_READ, i)
    while selector.get_map():
        events = selector.select(LIMIT)
        assert events, "the server does not go on"
        for key, _ in events:
            i, part = key.data, key.fileobj.recv(1 << 18)
            if not part:
                assert read[i] == taken[i], f"{read[i]} bytes came back of {taken[i]}"
                selector.unregister(key.fileobj)
            same(part, whole[read[i]:read[i] + len(part)])
            read[i] += len(part)
    for sock in peers:
        sock.close()
    with dial() as sock:
        ask(sock, b"and after it all")


if __name__ == "__main__":
    for case in CASES:
        globals()[case]()

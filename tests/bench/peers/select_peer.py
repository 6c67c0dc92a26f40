"""Echo servers on bare readiness: select.poll and epoll loops; see common.py for how it is called.

What a level-triggered loop in CPython costs without any framework on top, for the event registry to
be likened to. A reply that the kernel does not take whole is kept, and written when it says so.
"""

import os
import select

import common


def loop_on_poll():
    return select.poll(), select.POLLIN, select.POLLOUT


def loop_on_epoll():
    return select.epoll(), select.EPOLLIN, select.EPOLLOUT


class Connection:
    """A connection with what is still to be written to it."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self.unsent = b""

    def send(self, data):
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        self.unsent = data[sent:]


def tcp_echo(make_loop, port):
    loop, readable, writable = make_loop()
    listener = common.tcp_listener(port)
    listener.setblocking(False)
    loop.register(0, readable)
    loop.register(listener.fileno(), readable)
    connections = {}

    def serve(fd):
        connection = connections[fd]
        try:
            if connection.unsent:
                connection.send(connection.unsent)
            else:
                data = connection.sock.recv(65536)
                if not data:
                    raise ConnectionResetError
                connection.send(data)
                if not connection.unsent:
                    return
        except BlockingIOError:
            return
        except OSError:
            loop.unregister(fd)
            connections.pop(fd).sock.close()
            return
        loop.modify(fd, writable if connection.unsent else readable)

    while True:
        for fd, _ in loop.poll():
            if fd == 0:
                if not os.read(0, 4096):
                    os._exit(0)
            elif fd == listener.fileno():
                sock, _ = listener.accept()
                connections[sock.fileno()] = Connection(sock)
                loop.register(sock.fileno(), readable)
            else:
                serve(fd)


def udp_echo(make_loop, port):
    loop, readable, _ = make_loop()
    sock = common.udp_socket(port)
    sock.setblocking(False)
    loop.register(0, readable)
    loop.register(sock.fileno(), readable)
    while True:
        for fd, _ in loop.poll():
            if fd == 0:
                if not os.read(0, 4096):
                    os._exit(0)
            else:
                try:
                    sock.sendto(*sock.recvfrom(65536))
                except BlockingIOError:
                    pass  # the kernel has no room: a datagram may be lost


common.main(
    {},
    {},
    {
        "tcp-echo-poll": lambda port: tcp_echo(loop_on_poll, port),
        "tcp-echo-epoll": lambda port: tcp_echo(loop_on_epoll, port),
        "udp-echo-poll": lambda port: udp_echo(loop_on_poll, port),
        "udp-echo-epoll": lambda port: udp_echo(loop_on_epoll, port),
    },
)

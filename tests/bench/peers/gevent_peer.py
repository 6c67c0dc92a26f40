"""gevent's side of the benchmark; see common.py for how it is called."""

import os
import sys

import gevent
import gevent.event
import gevent.lock
import gevent.os
import gevent.queue
import gevent.socket

import common


def cede(n):
    for _ in range(n):
        gevent.sleep(0)


def cede_crowd(n):
    gevent.joinall([gevent.spawn(cede, n // common.CROWD) for _ in range(common.CROWD)])


def handoff(n):
    """Two greenlets hand one permit to and fro; each round is one park, one wake, one resume."""
    here, there = gevent.lock.Semaphore(0), gevent.lock.Semaphore(0)

    def play(mine, other):
        for _ in range(n // 2):
            mine.acquire()
            other.release()

    players = [gevent.spawn(play, here, there), gevent.spawn(play, there, here)]
    here.release()
    gevent.joinall(players)


def lock(n):
    mutex = gevent.lock.BoundedSemaphore(1)
    for _ in range(n):
        with mutex:
            pass


def crowd_through(gate, n):
    """A crowd goes through a gate again and again; whoever is inside lets others run once."""

    def play():
        for _ in range(n // common.CROWD):
            with gate:
                gevent.sleep(0)

    gevent.joinall([gevent.spawn(play) for _ in range(common.CROWD)])


def lock_crowd(n):
    crowd_through(gevent.lock.BoundedSemaphore(1), n)


def semaphore(n):
    gate = gevent.lock.Semaphore(common.PERMITS)
    for _ in range(n):
        gate.acquire()
        gate.release()


def semaphore_crowd(n):
    crowd_through(gevent.lock.Semaphore(common.PERMITS), n)


def queue(n):
    """Two greenlets send one item to and fro through two queues of one place."""
    here, there = gevent.queue.Queue(1), gevent.queue.Queue(1)

    def play(mine, other):
        for i in range(n // 2):
            mine.get()
            other.put(i)

    players = [gevent.spawn(play, here, there), gevent.spawn(play, there, here)]
    here.put(0)
    gevent.joinall(players)


def fan_in(n, places=common.PLACES):
    """Many producers, one consumer, a channel of few places."""
    channel = gevent.queue.Queue(places)

    def produce():
        for i in range(n // common.PRODUCERS):
            channel.put(i)

    for _ in range(common.PRODUCERS):
        gevent.spawn(produce)
    for _ in range(n // common.PRODUCERS * common.PRODUCERS):
        channel.get()


def spawn(n):
    def nothing():
        pass

    for _ in range(n):
        gevent.spawn(nothing).join()


def sleepers(n):
    gevent.joinall([gevent.spawn(gevent.sleep, common.nap(i)) for i in range(n)])


def memory(n):
    def wait():
        gevent.event.Event().wait()

    before = common.resident()
    tasks = [gevent.spawn(wait) for _ in range(n)]
    gevent.sleep(0.3)
    assert not any(task.dead for task in tasks)
    common.parked("memory", n, before)


def until_stdin_closes():
    while gevent.os.tp_read(0, 4096):
        pass
    sys.stdout.flush()
    os._exit(0)


def wrap(sock):
    return gevent.socket.socket(sock.family, sock.type, sock.proto, fileno=sock.detach())


def tcp_echo(port):
    def serve(conn):
        with conn:
            while data := conn.recv(65536):
                conn.sendall(data)

    def accept(listener):
        while True:
            gevent.spawn(serve, listener.accept()[0])

    gevent.spawn(accept, wrap(common.tcp_listener(port)))
    until_stdin_closes()


def udp_echo(port):
    def serve(sock):
        while True:
            sock.sendto(*sock.recvfrom(65536))

    gevent.spawn(serve, wrap(common.udp_socket(port)))
    until_stdin_closes()


common.main(
    {
        "cede": cede,
        "cede-crowd": cede_crowd,
        "handoff": handoff,
        "spawn": spawn,
        "sleepers": sleepers,
        "lock": lock,
        "lock-crowd": lock_crowd,
        "semaphore": semaphore,
        "semaphore-crowd": semaphore_crowd,
        "queue": queue,
        "fan-in": fan_in,
        "fan-in-roomy": lambda n: fan_in(n, common.ROOMY),
    },
    {"memory": memory},
    {"tcp-echo": tcp_echo, "udp-echo": udp_echo},
)

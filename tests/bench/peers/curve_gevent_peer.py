"""gevent's side of the curves; see curve_common.ts for how it is called."""

import gevent
import gevent.queue
import gevent.socket

import curve_common as common


def steps(n):
    rounds = common.turns(n, common.STEPS)
    meter = common.Meter(n)

    def step():
        meter.come()
        for _ in range(rounds):
            gevent.sleep(0)
        meter.go()

    gevent.joinall([gevent.spawn(step) for _ in range(n)])
    return meter.ns / (n * rounds)


def spawns(n):
    def once():
        gevent.sleep(0)

    return common.whole(n, lambda: gevent.joinall([gevent.spawn(once) for _ in range(n)]))


def sleepers(n):
    return common.whole(
        n, lambda: gevent.joinall([gevent.spawn(gevent.sleep, common.nap(i)) for i in range(n)])
    )


def waits(n):
    """All wait in one queue, then in another, to and fro: so nobody can take an item that is another's."""
    rounds = common.turns(n, common.WAITS)
    queues = [gevent.queue.Queue(), gevent.queue.Queue()]
    waiting = 0

    def take():
        nonlocal waiting
        for turn in range(rounds):
            waiting += 1
            queues[turn % 2].get()

    takers = [gevent.spawn(take) for _ in range(n)]

    def serve():
        nonlocal waiting
        for turn in range(rounds):
            while waiting < n:
                gevent.sleep(0)
            waiting = 0
            for i in range(n):
                queues[turn % 2].put(i)
        gevent.joinall(takers)

    while waiting < n:
        gevent.sleep(0)
    return common.whole(n * rounds, serve)


def connections(n):
    def echo(conn):
        with conn:
            while data := conn.recv(2048):
                conn.sendall(data)

    def work():
        listener = gevent.socket.socket()
        listener.bind((common.HOST, 0))
        listener.listen(common.BACKLOG)
        address = listener.getsockname()
        held = []
        left = n

        def accept():
            return [gevent.spawn(echo, listener.accept()[0]) for _ in range(n)]

        def opening():
            nonlocal left
            while left > 0:
                left -= 1
                conn = gevent.socket.create_connection(address)
                held.append(conn)
                conn.sendall(common.GREETING)
                conn.recv(2048)

        accepting = gevent.spawn(accept)
        gevent.joinall([gevent.spawn(opening) for _ in range(common.OPENING)])
        for conn in held:
            conn.close()
        gevent.joinall(accepting.get())
        listener.close()

    return common.whole(n, work)


common.main(
    {
        "steps": steps,
        "spawns": spawns,
        "sleepers": sleepers,
        "waits": waits,
        "connections": connections,
    }
)

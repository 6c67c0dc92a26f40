"""asyncio's side of the curves, and that of select.poll; see curve_common.ts for how it is called."""

import asyncio
import select
import socket
import time

import curve_common as common

# So many handles become ready at a time.
READY = 100


def whole_loop(n, work):
    return common.whole(n, lambda: asyncio.run(work()))


def steps(n):
    rounds = common.turns(n, common.STEPS)
    meter = common.Meter(n)

    async def step():
        meter.come()
        for _ in range(rounds):
            await asyncio.sleep(0)
        meter.go()

    async def work():
        await asyncio.gather(*[step() for _ in range(n)])

    asyncio.run(work())
    return meter.ns / (n * rounds)


def spawns(n):
    async def once():
        await asyncio.sleep(0)

    async def work():
        await asyncio.gather(*[asyncio.create_task(once()) for _ in range(n)])

    return whole_loop(n, work)


def sleepers(n):
    async def work():
        await asyncio.gather(*[asyncio.sleep(common.nap(i)) for i in range(n)])

    return whole_loop(n, work)


def waits(n):
    """All wait in one queue, then in another, to and fro: so nobody can take an item that is another's."""
    rounds = common.turns(n, common.WAITS)
    begun = 0

    async def work():
        nonlocal begun
        queues = [asyncio.Queue(), asyncio.Queue()]
        waiting = 0

        async def take():
            nonlocal waiting
            for turn in range(rounds):
                waiting += 1
                await queues[turn % 2].get()

        takers = [asyncio.create_task(take()) for _ in range(n)]
        for turn in range(rounds):
            while waiting < n:
                await asyncio.sleep(0)
            if turn == 0:
                begun = time.process_time_ns()
            waiting = 0
            for i in range(n):
                queues[turn % 2].put_nowait(i)
        await asyncio.gather(*takers)

    asyncio.run(work())
    return (time.process_time_ns() - begun) / (n * rounds)


def connections(n):
    async def echo(reader, writer):
        while data := await reader.read(2048):
            writer.write(data)
        writer.close()

    async def work():
        server = await asyncio.start_server(echo, common.HOST, 0, backlog=common.BACKLOG)
        host, port = server.sockets[0].getsockname()
        held = []
        left = n

        async def opening():
            nonlocal left
            while left > 0:
                left -= 1
                reader, writer = await asyncio.open_connection(host, port)
                held.append(writer)
                writer.write(common.GREETING)
                await reader.readexactly(len(common.GREETING))

        await asyncio.gather(*[opening() for _ in range(common.OPENING)])
        for writer in held:
            writer.close()
        await asyncio.gather(*[writer.wait_closed() for writer in held])
        server.close()

    return whole_loop(n, work)


def handles(n):
    """n sockets registered with select.poll, of which some are ready at a time, and each once."""
    pairs = [socket.socketpair() for _ in range(n)]
    fds = [here.fileno() for here, _ in pairs]

    def work():
        registry = select.poll()
        for fd in fds:
            registry.register(fd, select.POLLIN)
        for at in range(0, n, READY):
            some = pairs[at : at + READY]
            for _, there in some:
                there.send(b"1")
            found = 0
            while found < len(some):
                for fd, _ in registry.poll():
                    registry.modify(fd, 0)
                    found += 1
        for fd in fds:
            registry.unregister(fd)

    cost = common.whole(n, work)
    for pair in pairs:
        for sock in pair:
            sock.close()
    return cost


common.main(
    {
        "steps": steps,
        "spawns": spawns,
        "sleepers": sleepers,
        "waits": waits,
        "connections": connections,
        "handles": handles,
    }
)

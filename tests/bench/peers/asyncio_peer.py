"""asyncio's side of the benchmark; see common.py for how it is called."""

import asyncio
import os
import sys

import common


async def cede(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def cede_crowd(n):
    await asyncio.gather(*[cede(n // common.CROWD) for _ in range(common.CROWD)])


async def handoff(n):
    """Two tasks hand one permit to and fro; each round is one park, one wake, one resume."""
    here, there = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def play(mine, other):
        for _ in range(n // 2):
            await mine.acquire()
            other.release()

    here.release()
    await asyncio.gather(play(here, there), play(there, here))


async def lock(n):
    mutex = asyncio.Lock()
    for _ in range(n):
        async with mutex:
            pass


async def crowd_through(gate, n):
    """A crowd goes through a gate again and again; whoever is inside lets others run once."""

    async def play():
        for _ in range(n // common.CROWD):
            async with gate:
                await asyncio.sleep(0)

    await asyncio.gather(*[play() for _ in range(common.CROWD)])


async def lock_crowd(n):
    await crowd_through(asyncio.Lock(), n)


async def semaphore(n):
    gate = asyncio.Semaphore(common.PERMITS)
    for _ in range(n):
        await gate.acquire()
        gate.release()


async def semaphore_crowd(n):
    await crowd_through(asyncio.Semaphore(common.PERMITS), n)


async def queue(n):
    """Two tasks send one item to and fro through two queues of one place."""
    here, there = asyncio.Queue(1), asyncio.Queue(1)

    async def play(mine, other):
        for i in range(n // 2):
            await mine.get()
            await other.put(i)

    here.put_nowait(0)
    await asyncio.gather(play(here, there), play(there, here))


async def fan_in(n, places=common.PLACES):
    """Many producers, one consumer, a channel of few places."""
    channel = asyncio.Queue(places)

    async def produce():
        for i in range(n // common.PRODUCERS):
            await channel.put(i)

    producers = [asyncio.create_task(produce()) for _ in range(common.PRODUCERS)]
    for _ in range(n // common.PRODUCERS * common.PRODUCERS):
        await channel.get()
    await asyncio.gather(*producers)


async def fan_in_roomy(n):
    await fan_in(n, common.ROOMY)


async def spawn(n):
    async def nothing():
        pass

    for _ in range(n):
        await asyncio.create_task(nothing())


async def sleepers(n):
    await asyncio.gather(*[asyncio.sleep(common.nap(i)) for i in range(n)])


async def memory(n):
    loop = asyncio.get_running_loop()
    before = common.resident()

    async def wait():
        await loop.create_future()

    tasks = [asyncio.create_task(wait()) for _ in range(n)]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in tasks)
    common.parked("memory", n, before)


async def until_stdin_closes():
    await asyncio.to_thread(sys.stdin.buffer.read)
    os._exit(0)


class Echo(asyncio.Protocol):
    """Callbacks, not streams: the fastest that asyncio has."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class DatagramEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def tcp_echo(port):
    await asyncio.get_running_loop().create_server(Echo, sock=common.tcp_listener(port))
    await until_stdin_closes()


async def tcp_echo_streams(port):
    async def serve(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    await asyncio.start_server(serve, sock=common.tcp_listener(port))
    await until_stdin_closes()


async def udp_echo(port):
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(DatagramEcho, sock=common.udp_socket(port))
    await until_stdin_closes()


def in_loop(*works):
    return {
        work.__name__.replace("_", "-"): lambda n, work=work: asyncio.run(work(n)) for work in works
    }


common.main(
    in_loop(
        cede,
        cede_crowd,
        handoff,
        spawn,
        sleepers,
        lock,
        lock_crowd,
        semaphore,
        semaphore_crowd,
        queue,
        fan_in,
        fan_in_roomy,
    ),
    in_loop(memory),
    in_loop(tcp_echo, tcp_echo_streams, udp_echo),
)

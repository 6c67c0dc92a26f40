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
    in_loop(cede, cede_crowd, handoff, spawn, sleepers),
    in_loop(memory),
    in_loop(tcp_echo, tcp_echo_streams, udp_echo),
)

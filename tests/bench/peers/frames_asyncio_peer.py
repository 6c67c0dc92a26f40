"""Echo of frames (a 4-byte length, and so many bytes) by asyncio streams."""
import asyncio
import struct


async def echo(reader, writer):
    try:
        while True:
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            frame = (await reader.readexactly(length)).upper()
            writer.write(struct.pack(">I", length) + frame)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())

"""CPython's own upper-case echo servers, as its manual writes them: the ones weft's are compared with.

    python3 cpython_echo.py tcp|udp HOST PORT
    python3 cpython_echo.py unix PATH
"""
import signal
import socketserver
import sys


class StreamEcho(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data.upper())
        except OSError:
            pass


class DatagramEcho(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(data.upper(), self.client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    request_queue_size = 511
    daemon_threads = True


class UnixServer(socketserver.ThreadingUnixStreamServer):
    request_queue_size = 511
    daemon_threads = True


class UdpServer(socketserver.UDPServer):
    max_packet_size = 65536


def main():
    transport, *where = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if transport == "unix":
        server = UnixServer(where[0], StreamEcho)
        print(f"listening on {where[0]}", flush=True)
    else:
        address = (where[0], int(where[1]))
        kind = TcpServer if transport == "tcp" else UdpServer
        server = kind(address, StreamEcho if transport == "tcp" else DatagramEcho)
        print("listening on %s:%d" % server.server_address, flush=True)
    server.serve_forever()


main()

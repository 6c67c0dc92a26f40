"""Clients of http_server.ts as Python has them: http.client, and a socket for what that cannot say.

    python3 http_clients.py CASE PORT
"""
import base64
import hashlib
import http.client
import os
import socket
import sys


def connection(port):
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


def ask(conn, method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    conn.request(method, path, body, headers)
    response = conn.getresponse()
    return response, response.read()


def kept(port):
    conn = connection(port)
    ask(conn, "GET", "/")
    sock = conn.sock
    for number in range(200):
        response, body = ask(conn, "POST", "/echo", b"x" * number)
        assert (response.status, body) == (200, b"x" * number)
    assert conn.sock is sock, "the connection was not kept"
    for method in ["GET", "HEAD", "OPTIONS"]:
        response, body = ask(conn, method, "/nowhere")
        assert (response.status, method != "HEAD" or body == b"") == (
            204 if method == "OPTIONS" else 404, True)
    assert conn.sock is sock, "the connection was not kept"


def chunked(port):
    conn = connection(port)
    parts = [os.urandom(size) for size in [1, 1000, 70000, 300000]]
    conn.request("POST", "/echo", iter(parts), encode_chunked=True)
    response = conn.getresponse()
    assert response.getheader("Transfer-Encoding") == "chunked"
    assert response.read() == b"".join(parts)


def files(port):
    conn = connection(port)
    data = os.urandom(5 << 20)
    response, _ = ask(conn, "PUT", "/made.bin", data)
    assert response.status == 201
    tag = response.getheader("ETag")
    response, body = ask(conn, "GET", "/made.bin")
    assert hashlib.sha256(body).digest() == hashlib.sha256(data).digest()
    response, body = ask(conn, "GET", "/made.bin", Range="bytes=1000-1999")
    assert (response.status, body) == (206, data[1000:2000])
    assert response.getheader("Content-Range") == f"bytes 1000-1999/{len(data)}"
    response, body = ask(conn, "GET", "/made.bin", If_None_Match=tag)
    assert (response.status, body) == (304, b"")
    response, _ = ask(conn, "PUT", "/made.bin", b"new", If_Match=tag)
    assert response.status == 204
    response, _ = ask(conn, "PUT", "/made.bin", b"newer", If_Match=tag)
    assert response.status == 412
    response, _ = ask(conn, "DELETE", "/made.bin")
    assert response.status == 204
    response, _ = ask(conn, "GET", "/made.bin")
    assert response.status == 404


def private(port):
    conn = connection(port)
    response, _ = ask(conn, "GET", "/private")
    assert response.status == 401
    assert response.getheader("WWW-Authenticate") == 'Basic realm="weft"'
    token = base64.b64encode(b"weft:weft").decode()
    response, _ = ask(conn, "GET", "/private", Authorization=f"Basic {token}")
    assert response.status == 200


def half_closed(port):
    with socket.create_connection(("127.0.0.1", port), 20) as sock:
        request = "GET /delay/50 HTTP/1.1\r\nHost: a\r\n\r\n"
        sock.sendall((request * 3).encode())
        sock.shutdown(socket.SHUT_WR)
        text = b"".join(iter(lambda: sock.recv(65536), b""))
        assert text.count(b"HTTP/1.1 200 OK") == 3, text


def slow_reader(port):
    conn = connection(port)
    data = os.urandom(3 << 20)
    assert ask(conn, "PUT", "/slow.bin", data)[0].status == 201
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(20)
        sock.connect(("127.0.0.1", port))
        sock.sendall(b"GET /slow.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: sock.recv(3000), b""))
        assert text.partition(b"\r\n\r\n")[2] == data
    assert ask(conn, "DELETE", "/slow.bin")[0].status == 204


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]))

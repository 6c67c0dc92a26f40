"""The protocol of file_transfer.ts with plain sockets: `serve DIR` takes files, `send PORT FILE` sends one."""
import hashlib
import json
import os
import socket
import struct
import sys

CHUNK = 64 << 10


def write(sock, value):
    text = json.dumps(value).encode()
    sock.sendall(struct.pack(">I", len(text)) + text)


def exactly(sock, n):
    data = b""
    while len(data) < n:
        data += sock.recv(n - len(data))
    return data


def read(sock):
    (length,) = struct.unpack(">I", exactly(sock, 4))
    return json.loads(exactly(sock, length))


def serve(folder):
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, _ = listener.accept()
        head = read(sock)
        write(sock, {"offset": 0})
        left, sha = head["size"], hashlib.sha256()
        path = os.path.join(folder, head["name"])
        with open(path + ".part", "wb") as part:
            while left:
                data = sock.recv(min(CHUNK, left))
                if not data:
                    break
                sha.update(data)
                part.write(data)
                left -= len(data)
        assert sha.hexdigest() == head["sha256"]
        os.replace(path + ".part", path)
        write(sock, {"ok": True, "size": head["size"], "sha256": head["sha256"]})
        sock.close()


def send(port, path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(CHUNK):
            sha.update(data)
        sock = socket.create_connection(("127.0.0.1", port))
        name, size = os.path.basename(path), os.path.getsize(path)
        write(sock, {"name": name, "size": size, "sha256": sha.hexdigest()})
        file.seek(read(sock)["offset"])
        while data := file.read(CHUNK):
            sock.sendall(data)
    assert read(sock)["ok"]


serve(sys.argv[2]) if sys.argv[1] == "serve" else send(int(sys.argv[2]), sys.argv[3])

"""gevent's pywsgi with the answer that all HTTP servers of the benchmark give."""

from gevent.pywsgi import WSGIServer


def answer(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"Hello, world!\n"]


server = WSGIServer(("127.0.0.1", 0), answer, log=None)
server.start()
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()

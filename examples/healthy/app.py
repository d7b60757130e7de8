"""Needs a second to warm up: until then /health says 503 and no request of users should arrive."""

import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY_AT = time.monotonic() + float(os.environ.get("WARM_UP_SECONDS", "1"))


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        warm = time.monotonic() >= READY_AT
        text = "ready" if warm else "warming up"
        body = f"{text}, version {os.environ['TSURU_APPVERSION']}\n".encode()
        self.send_response(200 if warm else 503)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server(("", int(os.environ["PORT"])), Page).serve_forever()

"""Shows the traces that the hooks of tsuru.yaml left in the app's folder."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        traces = [Path(name) for name in ("built.txt", "before.txt", "after.txt")]
        body = "".join(f"{trace.stem}: {trace.read_text()}" for trace in traces if trace.exists()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()

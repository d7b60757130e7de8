"""Answers with the variable GREETING; /say/WORDS logs the words."""

import http.server
import os
import signal


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/say/"):
            print("said:", self.path.removeprefix("/say/"), flush=True)
        body = f"hello {os.environ.get('GREETING', 'world')}, version {os.environ.get('TSURU_APPVERSION', '?')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Hello).serve_forever()

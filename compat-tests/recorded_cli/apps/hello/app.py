"""Says hello to whoever asks."""

import http.server
import os
import signal


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello {os.environ.get('GREETING', 'world')}".encode())


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Hello).serve_forever()

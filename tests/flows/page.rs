//! An app in Python that shows one line.

/// Its source: the line is what the expression is when it is asked.
pub fn page(expression: &str) -> String {
    PAGE.replace("SHOWN", expression)
}

const PAGE: &str = r#"
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = (SHOWN + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
ThreadingHTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
"#;

"""Keeps files in /uploads, where a volume is mounted: GET / lists them, PUT /files/NAME stores one, GET /files/NAME gives it back."""

import html
import os
import re
import shutil
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

UPLOADS = Path("/uploads")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

PAGE = """<!doctype html>
<meta charset="utf-8"><title>Files</title>
<style>body { font: 1.1rem/1.6 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
<h1>Files</h1>
<p><input type="file" id="file"></p>
<ul>%s</ul>
<script>
file.onchange = async () => {
  const chosen = file.files[0];
  const answer = await fetch("/files/" + encodeURIComponent(chosen.name), { method: "PUT", body: chosen });
  if (answer.ok) location.reload(); else alert(await answer.text());
};
</script>
"""


class Files(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            names = sorted(entry.name for entry in UPLOADS.iterdir() if NAME.fullmatch(entry.name)) if UPLOADS.is_dir() else []
            items = "".join(f'<li><a href="/files/{quote(name)}">{html.escape(name)}</a></li>' for name in names)
            return self.answer(200, (PAGE % items).encode(), "text/html; charset=utf-8")
        file = self.file()
        if not file or not file.is_file():
            return self.answer(404, b"no such file\n")
        self.answer(200, file.read_bytes(), "application/octet-stream")

    def do_PUT(self):
        file = self.file()
        if not file:
            return self.answer(400, b"a file's name has letters, digits, dots and dashes only\n")
        if not UPLOADS.is_dir():
            return self.answer(507, b"/uploads is not there: bind a volume to it\n")
        left = int(self.headers.get("Content-Length") or 0)
        with tempfile.NamedTemporaryFile(dir=UPLOADS, prefix=".", delete=False) as part:
            while left > 0 and (piece := self.rfile.read(min(left, 65536))):
                part.write(piece)
                left -= len(piece)
        if left:
            os.unlink(part.name)
            return self.answer(400, b"the upload broke off\n")
        shutil.move(part.name, file)
        self.answer(201, f"stored {file.name}\n".encode())

    def file(self):
        name = unquote(self.path.removeprefix("/files/"))
        return UPLOADS / name if self.path.startswith("/files/") and NAME.fullmatch(name) else None

    def answer(self, status, body, kind="text/plain; charset=utf-8"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", int(os.environ["PORT"])), Files).serve_forever()

"""An `impaasd` in a folder of its own."""

import http.client
import os
import subprocess
import tempfile
import time
from pathlib import Path

from stock import Failed, free_port


class Server:
    """Runs with these settings and with documents in this MongoDB, when there is one; its first user is this root, or the one it makes."""

    def __init__(self, binary, settings, database=None, root=None):
        self.folder = tempfile.TemporaryDirectory(prefix="stock-cli-server-", ignore_cleanup_errors=True)
        folder = Path(self.folder.name)
        if database:
            settings += f"database: {{url: '{database}', name: stock_cli_{os.getpid()}}}\n"
        (folder / "tsuru.conf").write_text(settings)
        self.port, apps = free_port(), free_port()
        self.url, self.login = f"http://127.0.0.1:{self.port}", folder / "data" / "first-login.txt"
        binary = str(Path(binary).resolve())
        common = ["--config", str(folder / "tsuru.conf"), "--data-dir", str(folder / "data")]
        if root:
            command = [binary, "root", "user", "create", root[0], *common]
            subprocess.run(command, input=f"{root[1]}\n", text=True, check=True, capture_output=True)
        self.log = folder / "log"
        addresses = ["--listen", f"127.0.0.1:{self.port}", "--apps-listen", f"127.0.0.1:{apps}"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary, "serve", *common, *addresses], stdout=log, stderr=log, cwd=folder)
        self.wait()

    def wait(self):
        end = time.monotonic() + 120
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"impaasd does not answer: {self.log.read_text()[-800:]}")
            time.sleep(0.05)

    def answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthcheck/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

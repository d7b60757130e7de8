"""A server as the recorded one was: empty but for a root user, with its quotas, volume plans and router."""

import http.client
import json
import subprocess
import tempfile
import time
from pathlib import Path

from stock import Failed, free_port

SETTINGS = """
auth: {{scheme: native, user-registration: true, hash-cost: 4}}
quota: {{units-per-app: 10, apps-per-user: 8}}
volume-plans:
  host: {{{provisioner}: {{plugin: hostPath}}}}
  nfs: {{{provisioner}: {{storage-class: nfs, access-modes: ReadWriteMany}}}}
routers: {{none: {{type: api, default: true, api-url: "{router}/api"}}}}
outgoing: {{allow-private: true, allow: 127.0.0.0/8}}
"""


ON_CLUSTER = """
provisioner: kubernetes
docker: {{registry: "127.0.0.1:5000", repository-namespace: {name}}}
"""


class Server:
    """`impaasd` in a folder of its own; with documents in this MongoDB, with apps on this cluster, when there is one."""

    def __init__(self, binary, router, database=None, cluster=None):
        self.folder = tempfile.TemporaryDirectory(prefix="recorded-cli-")
        folder = Path(self.folder.name)
        settings = SETTINGS.format(router=router, provisioner="kubernetes" if cluster else "local")
        if cluster:
            settings += ON_CLUSTER.format(name=cluster.name)
        if database:
            settings += f"database: {{url: '{database}', name: recorded_cli_{free_port()}}}\n"
        (folder / "tsuru.conf").write_text(settings)
        self.port, apps = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        common = ["--config", str(folder / "tsuru.conf"), "--data-dir", str(folder / "data")]
        subprocess.run([binary, "root", "user", "create", "admin@example.com", *common], input="admin123\n", text=True, check=True, capture_output=True)
        self.log = folder / "log"
        addresses = ["--listen", f"127.0.0.1:{self.port}", "--apps-listen", f"127.0.0.1:{apps}"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary, "serve", *common, *addresses], stdout=log, stderr=log, cwd=folder)
        self.wait()

    def wait(self):
        end = time.monotonic() + 30
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
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.folder.cleanup()


def authority(recordings):
    """The certificate of the recorded cluster's authority."""
    for line in (recordings / "http.jsonl").read_text().splitlines():
        exchange = json.loads(line)
        if exchange["step"] == "cluster-add":
            return json.loads(exchange["request_body"])["cacert"]
    raise Failed("no cluster was added in http.jsonl")

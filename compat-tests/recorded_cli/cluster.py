"""A real cluster for the suite, named by `IMPAAS_KUBECONFIG`, `IMPAAS_KUBECTL` and `IMPAAS_CLUSTER_TOKEN`, and the stock deploy-agent, the
program `deploy-agent` on PATH, before its BuildKit."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time

from stock import Failed, free_port

BUILDKIT = "unix:///run/impaas-cluster/buildkitd.sock"


def absent():
    """Why there is none here, or None."""
    if not os.environ.get("IMPAAS_KUBECONFIG"):
        return "IMPAAS_KUBECONFIG names no cluster"
    return None if shutil.which("deploy-agent") else "the stock deploy-agent is not on PATH"


def listens(port):
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


class Cluster:
    """A namespace and a repository of the suite's own."""

    def __init__(self):
        view = json.loads(self.kubectl("config", "view", "--raw", "--flatten", "-o", "json"))["clusters"][0]["cluster"]
        self.address, self.authority = view["server"], base64.b64decode(view["certificate-authority-data"])
        self.token = os.environ["IMPAAS_CLUSTER_TOKEN"]
        port = free_port()
        self.name = f"recorded{port}"
        self.builds = f"dns:///127.0.0.1:{port}"
        command = ["deploy-agent", f"--port={port}", f"--buildkit-addr={BUILDKIT}"]
        self.agent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not listens(port):
            if self.agent.poll() is not None or time.monotonic() > end:
                raise Failed("deploy-agent does not listen")
            time.sleep(0.1)

    def kubectl(self, *arguments):
        command = [os.environ.get("IMPAAS_KUBECTL", "kubectl"), "--kubeconfig", os.environ["IMPAAS_KUBECONFIG"], *arguments]
        return subprocess.run(command, capture_output=True, text=True).stdout

    def custom(self):
        """What this cluster needs besides what the recorded one was told: it is shared."""
        return ["--custom", f"namespace={self.name}", "--custom", "disable-default-node-selector=true", "--custom", "pre-stop-sleep=0"]

    def places(self):
        """Recorded places, and ours in their stead."""
        return [
            ("https://127.0.0.1:6443", self.address),
            ("token=admintoken", f"token={self.token}"),
            ("dns:///127.0.0.1:8000", self.builds),
            ("127.0.0.1:5000/rec21018", f"127.0.0.1:5000/{self.name}"),
            (".default.svc.cluster.local", f".{self.name}.svc.cluster.local"),
        ]

    def show(self):
        """What is in the namespace, for who looks for a fault."""
        print(self.kubectl("get", "all,events", "-n", self.name))

    def close(self):
        self.agent.terminate()
        self.agent.wait(10)
        self.kubectl("delete", "namespace", self.name, "--wait=false")
        end = time.monotonic() + 5
        while time.monotonic() < end and self.kubectl("get", "pv", "-o", "name", "-l", "tsuru.io/volume-pool=dev"):
            time.sleep(0.5)

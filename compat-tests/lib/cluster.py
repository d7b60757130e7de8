"""A real cluster for these programs, named by `IMPAAS_KUBECONFIG`, `IMPAAS_KUBECTL` and `IMPAAS_CLUSTER_TOKEN` (what `cargo xtask cluster
environment` prints), and the stock deploy-agent, the program `deploy-agent` on PATH, before its BuildKit."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from stock import Failed, free_port

BUILDKIT = "unix:///run/impaas-cluster/buildkitd.sock"
REGISTRY = "127.0.0.1:5000"
PYTHON = f"{REGISTRY}/base/python:latest"
INGRESS = "IMPAAS_CLUSTER_INGRESS"

# A server whose apps run there and are reached through the ingress controller.
SETTINGS = """
provisioner: kubernetes
docker: {{registry: "127.0.0.1:5000", repository-namespace: {name}, healthcheck: {{max-time: {patience}}}}}
volume-plans: {{azurefile: {{kubernetes: {{storage-class: local-path-shared}}}}}}
routers: {{web: {{type: ingress, default: true, domain: {domain}, class: traefik}}}}
outgoing: {{allow-private: true, allow: 127.0.0.0/8}}
kubernetes: {{keda: {{prometheus-address-template: "http://prometheus.test"}}}}
"""


def absent(ingress=False):
    """Why there is none here, or None."""
    if not os.environ.get("IMPAAS_KUBECONFIG"):
        return "IMPAAS_KUBECONFIG names no cluster"
    if ingress and not os.environ.get(INGRESS):
        return f"{INGRESS} names no ingress controller"
    return None if shutil.which("deploy-agent") else "the stock deploy-agent is not on PATH"


def listens(port):
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


class Cluster:
    """A namespace and a folder of images of one program's own, and a deploy-agent."""

    def __init__(self, program):
        view = json.loads(self.kubectl("config", "view", "--raw", "--flatten", "-o", "json"))["clusters"][0]["cluster"]
        self.address, self.authority = view["server"], base64.b64decode(view["certificate-authority-data"])
        self.token = os.environ["IMPAAS_CLUSTER_TOKEN"]
        port = free_port()
        self.name = f"{program}{port}"
        self.builds, self.images = f"dns:///127.0.0.1:{port}", f"{REGISTRY}/{self.name}"
        command = ["deploy-agent", f"--port={port}", f"--metrics-port={free_port()}", f"--buildkit-addr={BUILDKIT}"]
        self.agent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while not listens(port):
            if self.agent.poll() is not None or time.monotonic() > end:
                raise Failed("deploy-agent does not listen")
            time.sleep(0.1)

    @property
    def apps(self):
        """Where apps answer, and what their names are followed by."""
        return os.environ[INGRESS], f"{self.name}.localhost"

    @property
    def node(self):
        """This machine's address as pods reach it."""
        return os.environ[INGRESS].rpartition(":")[0]

    def settings(self, patience=120):
        """Of a server whose default router is the built-in `ingress`, and which gives units so many seconds to get well."""
        return SETTINGS.format(name=self.name, domain=self.apps[1], patience=patience)

    def kubectl(self, *arguments):
        command = [os.environ.get("IMPAAS_KUBECTL", "kubectl"), "--kubeconfig", os.environ["IMPAAS_KUBECONFIG"], *arguments]
        return subprocess.run(command, capture_output=True, text=True).stdout

    def custom(self):
        """What any cluster that is shared needs."""
        return ["--custom", f"namespace={self.name}", "--custom", "disable-default-node-selector=true", "--custom", "pre-stop-sleep=0"]

    def add(self, home):
        """The words of the CLI that make it known; the authority's certificate is kept in this folder."""
        authority = Path(home, "cluster-ca.crt")
        authority.write_bytes(self.authority)
        own = [f"token={self.token}", f"registry={self.images}", "registry-insecure=true", f"build-service-address={self.builds}"]
        customs = [word for custom in own for word in ("--custom", custom)]
        return ["cluster", "add", "real", "kubernetes", "--addr", self.address, "--cacert", str(authority), "--default", *customs, *self.custom()]

    def show(self):
        """What is in the namespace, for who looks for a fault."""
        print(self.kubectl("get", "all,ingress,pvc,events", "-n", self.name))

    def close(self):
        self.agent.terminate()
        try:
            self.agent.wait(30)
        except subprocess.TimeoutExpired:
            self.agent.kill()
            self.agent.wait()
        # What comes next finds no units of apps of the same names. Nobody makes pods again, which need not take their leave.
        self.kubectl("delete", "cronjobs,jobs,deployments,replicasets", "--all", "--cascade=orphan", "-n", self.name)
        self.kubectl("delete", "pods", "--all", "--grace-period=1", "--timeout=60s", "-n", self.name)
        self.kubectl("delete", "namespace", self.name, "--timeout=120s")
        end = time.monotonic() + 5
        while time.monotonic() < end and self.kubectl("get", "pv", "-o", "name", "-l", "tsuru.io/volume-pool=dev"):
            time.sleep(0.5)

"""The recorded steps, in their order, with what the recording does not hold: what was typed, where, and how things are named here."""

import json
from pathlib import Path

from settings import places

RECORDING = Path(__file__).resolve().parents[1] / "recorded" / "cli.jsonl"

ADMIN = "admin123\n"
TYPED = {
    "login-wrong": "wrongpw\n",
    "login": ADMIN,
    "admin-login": ADMIN,
    "user-create": "alice123\nalice123\n",
    "user-create-dup": "alice123\nalice123\n",
    "user-create-bad": "alice123\nalice123\n",
    "user-create-bob": "bob12345\nbob12345\n",
    "alice-login": "alice123\n",
    "alice-change-password": "alice123\nalice456\nalice456\n",
    "bob-login": "bob12345\n",
    "user-remove": "y\n",
}

# Where the CLI ran, below the apps of this folder.
FOLDERS = dict.fromkeys(["deploy", "deploy-2", "deploy-blocked", "bob-deploy-denied"], "hello")
FOLDERS |= dict.fromkeys(["deploy-dockerfile", "deploy-newversion", "app-build"], "dock")
# On a cluster Dockerfiles are built.
FOLDERS_ON_CLUSTER = {step: "docker" if folder == "dock" else folder for step, folder in FOLDERS.items()}

# Dockerfiles need a container engine, which this machine may not have: the app is deployed by its platform instead, in as many versions.
# Health checks of a slow machine say more than the last ten lines of a log hold.
# The recorded cluster is not here, and so no build service of it: platforms are those of this machine.
INSTEAD = {
    "cluster-add": [
        *["cluster", "add", "k1", "kubernetes", "--addr", "https://127.0.0.1:6443", "--cacert", "ca.crt", "--default"],
        *["--custom", "token=admintoken", "--custom", "registry=127.0.0.1:5000/rec21018", "--custom", "registry-insecure=true"],
    ],
    "app-log": ["app", "log", "-a", "hello", "-l", "1000"],
    "app-create-docker": ["app", "create", "dock", "python", "-t", "demo", "-o", "dev"],
    "deploy-dockerfile": ["app", "deploy", "-a", "dock", "."],
    "deploy-newversion": ["app", "deploy", "-a", "dock", "--new-version", "."],
}

# What runs by itself: looked at again until it is as recorded, for so many seconds.
PATIENCE = {"job-info-2": 120, "job-log": 120}


class Names:
    """The recorded places, and ours in their stead."""

    def __init__(self, target, broker, router, cluster=None):
        images = [("127.0.0.1:5000/base/", "tsuru/"), ("127.0.0.1:5000/rec21018/", "tsuru/")]
        there = [("http://127.0.0.1:8082", target), ("http://127.0.0.1:8190", broker), ("http://127.0.0.1:8099", router)]
        self.cluster = cluster
        self.both = there + places(cluster) if cluster else there
        self.places = self.both if cluster else there + images

    def ours(self, argument):
        for recorded, here in self.places:
            argument = argument.replace(recorded, here)
        return argument

    def recorded(self, text):
        """What we printed, with the recorded addresses."""
        for recorded, here in self.both:
            text = text.replace(here, recorded)
        return text


def steps():
    """All recorded steps."""
    return [json.loads(line) for line in RECORDING.read_text().splitlines()]


def arguments(step, names):
    """What the CLI is called with here: without a cluster, pools are of the provisioner that this machine has."""
    if names.cluster:
        words = INSTEAD[step["step"]] if step["step"] == "app-log" else step["argv"]
        return [names.ours(word) for word in words] + (names.cluster.custom() if step["step"] == "cluster-add" else [])
    local = step["step"] in ("pool-add", "pool-add-2")
    words = INSTEAD.get(step["step"], step["argv"])
    return ["local" if local and word == "kubernetes" else names.ours(word) for word in words]

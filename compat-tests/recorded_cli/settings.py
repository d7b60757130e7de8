"""A server as the recorded one was: with its quotas, volume plans and router."""

import json

from stock import Failed

ROOT = ("admin@example.com", "admin123")
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


def settings(router, cluster=None):
    """With this router; with apps on this cluster, when there is one."""
    if not cluster:
        return SETTINGS.format(router=router, provisioner="local")
    return SETTINGS.format(router=router, provisioner="kubernetes") + ON_CLUSTER.format(name=cluster.name)


def places(cluster):
    """What the recorded cluster had, and this one's in its stead."""
    return [
        ("https://127.0.0.1:6443", cluster.address),
        ("token=admintoken", f"token={cluster.token}"),
        ("dns:///127.0.0.1:8000", cluster.builds),
        ("127.0.0.1:5000/rec21018", cluster.images),
        (".default.svc.cluster.local", f".{cluster.name}.svc.cluster.local"),
    ]


def authority(recordings):
    """The certificate of the recorded cluster's authority."""
    for line in (recordings / "http.jsonl").read_text().splitlines():
        exchange = json.loads(line)
        if exchange["step"] == "cluster-add":
            return json.loads(exchange["request_body"])["cacert"]
    raise Failed("no cluster was added in http.jsonl")

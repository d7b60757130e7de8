"""A person goes through the rooms that the recorded day hardly enters: routers, certificates, clusters, webhooks, events, services,
volumes, metadata, autoscale, tokens of a pipeline. Routers and brokers are those of `stand_ins`."""

import json
import re
import threading
import time
from pathlib import Path

from stand_ins import Broker, Router
from step import Step, kubernetes, local
from stock import Failed

CERTIFICATES = Path(__file__).resolve().parents[2] / "tests" / "api" / "tls"
NAME = "blog.example.com"
ID = re.compile(r"\b[0-9a-f]{24}\b")


def steps(place, hello):
    """All of them, about the deployed app `hello`, whose files are in this folder."""
    edge, broker = Router(), Broker()
    return [
        *routers(edge), *local("a cluster's own router takes certificates too", *certificates()), *no_more_router(),
        *local("the cluster is there", *clusters()), *webhooks(), *events(place, hello), *services(place, broker), *volumes(),
        *metadata(), *autoscale(), *pipeline(hello),
    ]


def plain(name, *argv, **more):
    """A step that no recorded line is compared with."""
    return Step(name, *argv, mode=None, **more)


def routers(edge):
    def config(**more):
        return json.dumps({"api-url": f"{edge.url}/api", **more})

    def the_router_was_told(day):
        told = edge.backends.get("hello", {})
        if told.get("opts", {}).get("class") != "slow" or told.get("team") != "demo":
            raise Failed(f"the router knows {told}")

    return [
        plain("router-add", "router", "add", "edge", "api", "--config", config(headers={"X-Key": "hush"}), words="successfully added"),
        plain("router-add-dup", "router", "add", "edge", "api", "--config", config(), expect=1, words="dynamic router already exists"),
        plain("router-add-type", "router", "add", "odd", "galeb", expect=1, words='router type "galeb" is not registered'),
        plain("router-list", "router", "list", words=["edge", "api (dynamic)", "class: how fast it is", "local"]),
        plain("router-info", "router", "info", "edge", words=["Dynamic: true", edge.url, "X-Key"]),
        plain("router-update", "router", "update", "edge", "api", "--config", config(debug=True), words="successfully updated"),
        plain("router-info-updated", "router", "info", "edge", words='"debug": true'),
        plain("app-router-add", "app", "router", "add", "edge", "-a", "hello", "-o", "class=fast", words="Router successfully added."),
        plain("app-router-add-dup", "app", "router", "add", "edge", "-a", "hello", expect=1, words="router already linked to this app"),
        plain("app-router-ghost", "app", "router", "add", "ghost", "-a", "hello", expect=1, words='router "ghost" not found'),
        plain("app-router-list", "app", "router", "list", "-a", "hello", words=["class: fast", "http://hello.edge.example.com", "ready"]),
        plain("app-router-update", "app", "router", "update", "edge", "-a", "hello", "-o", "class=slow", words="successfully updated"),
        plain("app-router-list-updated", "app", "router", "list", "-a", "hello", words="class: slow"),
        plain("app-info-routers", "app", "info", "-a", "hello", words=["class: slow", "http://hello.edge.example.com"]),
        (the_router_was_told,),
    ]


def certificates():
    pair = [str(CERTIFICATES / "example.crt"), str(CERTIFICATES / "example.key")]
    other = [pair[0], str(CERTIFICATES / "other.key")]
    name = ["-a", "hello", "-c", NAME]
    return [
        plain("certificate-cname", "cname", "add", NAME, "-a", "hello"),
        plain("certificate-wrong", "certificate", "set", *name, *other, expect=1, words="tls: private key does not match public key"),
        plain("certificate-name", "certificate", "set", "-a", "hello", "-c", "x.example.org", *pair, expect=1, words="invalid name"),
        plain("certificate-set", "certificate", "set", *name, *pair, words="Successfully created the certificate."),
        plain("certificate-list", "certificate", "list", "-a", "hello", words=["edge", NAME, "Not after"]),
        plain("certificate-raw", "certificate", "list", "-a", "hello", "-r", words="-----BEGIN CERTIFICATE-----"),
        plain("issuer-set", "certificate", "issuer", "set", *name, "letsencrypt", words="Successfully created the certificate issuer."),
        plain("issuer-list", "certificate", "list", "-a", "hello", words="issuer: letsencrypt"),
        plain("issuer-name", "certificate", "issuer", "set", "-a", "hello", "-c", "x.org", "le", expect=1, words="cname does not exist in app"),
        plain("issuer-unset", "certificate", "issuer", "unset", *name, "-y", words="Certificate issuer removed."),
        plain("certificate-unset", "certificate", "unset", *name, words="Certificate removed."),
        plain("certificate-none", "certificate", "list", "-a", "hello", expect=1, words="no router with tls support"),
        plain("certificate-cname-remove", "cname", "remove", NAME, "-a", "hello"),
    ]


def no_more_router():
    return [
        plain("app-router-remove", "app", "router", "remove", "edge", "-a", "hello", words="Router successfully removed."),
        plain("router-remove", "router", "remove", "edge", words="Dynamic router successfully removed."),
        plain("router-gone", "router", "info", "edge", expect=1, words='router "edge" not found'),
    ]


def clusters():
    ca = str(CERTIFICATES / "example.crt")
    add = ["cluster", "add", "k1", "kubernetes", "--addr", "https://127.0.0.1:6443", "--cacert", ca]
    return [
        plain("cluster-none", "cluster", "list", words="No clusters registered."),
        plain("cluster-pool", *add, "--pool", "ghost", expect=1, words="Pool does not exist."),
        plain("cluster-add", *add, "--pool", "closed", "--custom", "token=hush", "--custom", "registry=r", words="Cluster successfully added."),
        plain("cluster-add-dup", *add, "--pool", "closed", expect=1, words="cluster already exists"),
        plain("cluster-list", "cluster", "list", words=["k1", "https://127.0.0.1:6443", "registry=r", "token=*****", "closed"], without="hush"),
        plain("cluster-info", "cluster", "info", "k1", words=["Provisioner:", "kubernetes", "registry"], without="hush"),
        plain("cluster-update", "cluster", "update", "k1", "kubernetes", "--addr", "https://127.0.0.1:7443", "--add-custom", "registry=r2"),
        plain("cluster-updated", "cluster", "list", words=["https://127.0.0.1:7443", "registry=r2", "token=*****"]),
        plain("cluster-update-remove", "cluster", "update", "k1", "kubernetes", "--remove-custom", "token"),
        plain("cluster-updated-2", "cluster", "list", words="registry=r2", without="token"),
        plain("cluster-remove", "cluster", "remove", "k1", "-y", words="Cluster successfully removed."),
        plain("cluster-remove-again", "cluster", "remove", "k1", "-y", expect=1, words="cluster not found"),
    ]


def webhooks():
    hook = ["event", "webhook"]
    create = [*hook, "create", "hook1", "http://example.com/hook", "-t", "demo"]
    return [
        plain("webhook-create", *create, "-d", "tells", "--kind-name", "app.update", "-H", "X-A=b", "-m", "PUT", "--error-only"),
        plain("webhook-create-dup", *create, expect=1, words="webhook already exists with the same name"),
        plain("webhook-list", *hook, "list", words=["PUT http://example.com/hook", "X-A: b", "kind-name == app.update", "error-only"]),
        plain("webhook-update", *hook, "update", "hook1", "-u", "http://example.com/new", "--no-header", "--no-error-only", "-b", "{{.Target.Value}}"),
        plain("webhook-updated", *hook, "list", words=["http://example.com/new", "{{.Target.Value}}", "tells"], without=["X-A", "error-only"]),
        plain("webhook-wrong", *hook, "update", "hook1", "-b", "{{shout .Kind}}", expect=1, words='function "shout" not defined'),
        plain("webhook-delete", *hook, "delete", "hook1", words="Webhook successfully deleted."),
        plain("webhook-delete-again", *hook, "delete", "hook1", expect=1, words="webhook not found"),
    ]


def events(place, hello):
    def an_event_tells_what_happened(day):
        found = ID.findall(day.cli.must("event", "list", "-k", "app.deploy", "-v", "hello").stdout)
        told = day.cli.must("event", "info", found[-1]).stdout
        for words in ("permission(app.deploy)", "app(hello)", "Success:     true", f"image: {place.image}:v1", "---- Updating units"):
            if words not in told:
                raise Failed(f"the event does not tell {words!r}: {told[-600:]}")
        day.cli.refused("event", "cancel", found[-1], "why not", "-y", words="event is not cancelable")

    def a_block_is_taken_away(day):
        listed = day.cli.must("event", "block", "list").stdout
        block = ID.search(next(line for line in listed.splitlines() if "of the day" in line))[0]
        day.cli.must("event", "block", "remove", block)
        day.cli.refused("event", "block", "remove", block, words=f"active event block with id {block} not found")
        day.cli.must("env", "set", "-a", "hello", "AFTER=the block", "--no-restart")

    def a_running_deploy_is_cancelled(day):
        folder = Path(day.cli.home, "endless")
        folder.mkdir()
        for name in ("app.py", "Procfile"):
            (folder / name).write_text((hello / name).read_text())
        (folder / "tsuru.yaml").write_text("hooks:\n  build:\n    - sleep 600\n")
        ended = []
        deploy = threading.Thread(target=lambda: ended.append(day.cli.run("app", "deploy", "-a", "hello", ".", cwd=folder)))
        deploy.start()
        running, end = None, time.monotonic() + 120
        while not running and time.monotonic() < end:
            running = ID.search(day.cli.must("event", "list", "-r", "-k", "app.deploy").stdout)
        if not running:
            raise Failed("the deploy is no running event")
        day.cli.must("event", "cancel", running[0], "changed my mind", "-y")
        deploy.join(120)
        if not ended or ended[0].code == 0:
            raise Failed(f"the cancelled deploy goes on: {ended and ended[0].text[-300:]}")
        told = day.cli.must("event", "info", running[0]).stdout
        if "Canceled:    true" not in told or "changed my mind" not in told:
            raise Failed(f"the event does not tell of the cancelling: {told[-600:]}")
        day.apps.wait("hello", "hello there")

    return [
        (an_event_tells_what_happened,),
        plain("event-info-missing", "event", "info", "6" * 24, expect=1, words="event not found"),
        plain("event-list-owner", "event", "list", "-o", "nobody@example.com", without="app.deploy"),
        plain("event-block-add", "event", "block", "add", "maintenance of the day", "-k", "app.update.env.set", "-t", "app", "-v", "hello"),
        plain("event-blocked", "env", "set", "-a", "hello", "A=b", expect=1, words="maintenance of the day"),
        plain("event-block-list", "event", "block", "list", words=["app.update.env.set", "maintenance of the day"]),
        (a_block_is_taken_away,),
        (a_running_deploy_is_cancelled,),
    ]


def services(place, broker):
    def manifest(day):
        text = f"id: notes\nusername: u\npassword: a secret\nendpoint:\n  production: {broker.url}\nteam: demo\n"
        Path(day.cli.home, "notes.yaml").write_text(text)
        Path(day.cli.home, "notes.txt").write_text("how to keep notes\n")

    def the_broker_knows(day):
        bound = broker.instances["shelf"]["bound"]
        if bound != {"hello", "job keeper"}:
            raise Failed(f"the broker has {bound}")

    instance = ["service", "instance"]
    shelf = ["notes", "shelf"]
    return [
        (manifest,),
        plain("notes-create", "service", "create", "notes.yaml", words="Service successfully created"),
        plain("notes-create-dup", "service", "create", "notes.yaml", expect=1, words="Service already exists."),
        plain("notes-doc", "service", "doc", "add", "notes", "notes.txt"),
        plain("notes-doc-get", "service", "doc", "get", "notes", words="how to keep notes"),
        plain("notes-plans", "service", "plan", "list", "notes", words=["small", "a shared shelf", "large"]),
        plain("notes-info", "service", "info", "notes", words=["Plans", "a shelf of one's own"]),
        plain("shelf-add", *instance, "add", *shelf, "large", "-t", "demo", "-d", "a shelf", "-g", "paper", "-g", "ink", "--plan-param", "copies=2"),
        plain("shelf-add-dup", *instance, "add", *shelf, "small", "-t", "demo", expect=1, words="instance name already exists."),
        plain("shelf-refused", *instance, "add", "notes", "refused", "small", "-t", "demo", expect=1, words="no shelf is left"),
        plain("shelf-info", *instance, "info", *shelf, words=["paper, ink", "large", "Notes on the shelf:  3", "is up", "copies:  2"]),
        plain("shelf-bind", *instance, "bind", *shelf, "-a", "hello", words=["is now bound to the app", "- NOTES_URL", "- TSURU_SERVICES"]),
        plain("shelf-bind-dup", *instance, "bind", *shelf, "-a", "hello", expect=1, words="app is already bound to this service instance"),
        plain("shelf-env", "env", "get", "-a", "hello", words="NOTES_KEY=*** (private variable managed by notes/shelf)", without="a key of"),
        plain("shelf-env-taken", "env", "set", "-a", "hello", "NOTES_KEY=x", expect=1, words='already in use by service bind "notes/shelf"'),
        plain("shelf-run", "app", "run", "-a", "hello", "-o", "echo $NOTES_KEY", words="a key of the notes"),
        plain("keeper", "job", "create", "keeper", place.python, "true", "-t", "demo", "-o", "dev", "--manual"),
        plain("shelf-bind-job", *instance, "bind", *shelf, "-j", "keeper"),
        plain("keeper-env", "env", "get", "-j", "keeper", words="NOTES_URL=*** (private variable managed by notes/shelf)"),
        plain("shelf-info-bound", *instance, "info", *shelf, words=["Apps:                hello", "Jobs:                keeper"]),
        (the_broker_knows,),
        plain("shelf-in-app", "app", "info", "-a", "hello", words=["Service instances: 1", "shelf (large)"]),
        plain("shelf-grant", *instance, "grant", *shelf, "course60001", words="Granted access to team course60001"),
        plain("shelf-revoke", *instance, "revoke", *shelf, "course60001", words="Revoked access to team course60001"),
        plain("shelf-update", *instance, "update", *shelf, "-d", "another", "-p", "small", "-g", "pencil"),
        plain("shelf-updated", *instance, "info", *shelf, words=["another", "small", "pencil"]),
        plain("shelf-remove-bound", *instance, "remove", *shelf, "-y", expect=1, words="Unbind them before removing it"),
        plain("notes-remove-used", "service", "destroy", "notes", "-y", expect=1, words="cannot be removed because it has instances"),
        plain("shelf-unbind-job", *instance, "unbind", *shelf, "-j", "keeper", words='is not bound to the job "keeper" anymore'),
        plain("shelf-unbind", *instance, "unbind", *shelf, "-a", "hello", words='is not bound to the app "hello" anymore'),
        plain("shelf-env-gone", "env", "get", "-a", "hello", without="NOTES_KEY"),
        plain("keeper-delete", "job", "delete", "keeper", "-y"),
        plain("shelf-remove", *instance, "remove", *shelf, "-y", words="service instance successfully removed"),
        plain("notes-remove", "service", "destroy", "notes", "-y", words="Service successfully removed."),
    ]


def volumes():
    papers = ["papers", "/papers", "-a", "hello"]
    options = ["-o", "capacity=1Mi", "-o", "access-modes=ReadWriteMany"]
    update = ["volume", "update", "papers", "azurefile", "-t", "course60001", "-p", "dev", *options]
    return [
        plain("volume-plans", "volume", "plan", "list", words="azurefile"),
        plain("volume-plan-ghost", "volume", "create", "papers", "ghost", "-t", "demo", "-p", "dev", expect=1),
        plain("volume-create", "volume", "create", "papers", "azurefile", "-t", "demo", "-p", "dev", *options, words="Volume successfully created."),
        plain("volume-create-dup", "volume", "create", "papers", "azurefile", "-t", "demo", "-p", "dev", *options, expect=1, words="volume already exists"),
        plain("volume-bind", "volume", "bind", *papers, words="Volume successfully bound."),
        plain("volume-bind-dup", "volume", "bind", *papers, expect=1, words="volume already bound in mountpoint"),
        plain("volume-write", "app", "run", "-a", "hello", "-o", "echo kept > /papers/one && echo written", words="written"),
        plain("volume-restart", "app", "restart", "-a", "hello"),
        plain("volume-read", "app", "run", "-a", "hello", "-o", "cat /papers/one", words="kept"),
        plain("volume-info", "volume", "info", "papers", words=["Plan: azurefile", "Team: demo", "hello", "/papers", "rw"]),
        plain("volume-delete-bound", "volume", "delete", "papers", expect=1, words="cannot delete volume with existing binds"),
        plain("volume-unbind", "volume", "unbind", *papers, words="Volume successfully unbound."),
        *local("a claim stays as it is made", plain("volume-update", *update, words="Volume successfully updated.")),
        *kubernetes("a claim stays as it is made", plain("volume-update", *update, expect=1, words="updating a volume already provisioned")),
        plain("volume-list", "volume", "list", words="papers"),
        plain("volume-delete", "volume", "delete", "papers", words="Volume successfully deleted."),
    ]


def metadata():
    of_app = ["-a", "hello"]
    return [
        plain("metadata-label", "metadata", "set", *of_app, "-t", "label", "course=60001", "--no-restart"),
        plain("metadata-note", "metadata", "set", *of_app, "-t", "annotation", "note=a b", "--no-restart"),
        plain("metadata-process", "metadata", "set", *of_app, "-p", "web", "-t", "label", "tier=front", "--no-restart"),
        plain("metadata-get", "metadata", "get", *of_app, words=["course: 60001", "note: a b", 'Metadata for process: "web"', "tier: front"]),
        plain("metadata-unset", "metadata", "unset", *of_app, "-t", "label", "course", "--no-restart"),
        plain("metadata-get-2", "metadata", "get", *of_app, words="note: a b", without="course"),
        plain("metadata-bad", "metadata", "set", *of_app, "-t", "label", "not valid!=x", expect=1, words="metadata.labels: Invalid value"),
        plain("process-plan", "app", "process", "update", "hello", "web", "-p", "c0.1m0.2"),
        plain("process-plan-info", "app", "info", *of_app, words=["Process plans:", "(default)", "c0.1m0.2"]),
        plain("process-plan-default", "app", "process", "update", "hello", "web", "-p", "$default"),
        plain("tag-list", "tag", "list", words=["web2", "hello"]),
    ]


def autoscale():
    spec = ["autoscale", "set", "-a", "hello", "-p", "web", "--min", "1"]
    day = '{"name": "day", "minReplicas": 2, "start": "0 8 * * *", "end": "0 20 * * *"}'
    queue = '{"name": "queue", "threshold": 10, "query": "sum(q)"}'
    return [
        plain("autoscale-triggers", *spec, "--max", "3", "--schedule", day, "--prometheus", queue, "--sdu", "1"),
        plain("autoscale-shown", "app", "info", "-a", "hello", words=["Start: At 08:00 AM (0 8 * * *)", "Query: sum(q)", "Units: 1"]),
        plain("autoscale-by-hand", "unit", "add", "1", "-a", "hello", expect=1, words="cannot add units to an app with autoscaler configured"),
        plain("autoscale-cpu", *spec, "--max", "3", "--cpu", "99%", expect=1, words="autoscale cpu value cannot be greater than 95%"),
        plain("autoscale-quota", *spec, "--max", "90", "--cpu", "50%", expect=1, words="maximum units cannot be greater than quota limit"),
        plain("autoscale-swap", "autoscale", "swap", "-a", "hello", "--version", "99", expect=1, words="could not swap the autoscale"),
        plain("autoscale-none", "autoscale", "unset", "-a", "hello", "-p", "web", words="Unit auto scale successfully unset."),
    ]


def pipeline(hello):
    def a_team_token_deploys_and_does_nothing_else(day):
        made = day.cli.must("token", "create", "--id", "pipeline", "-t", "demo", "-d", "of a pipeline", "-e", "48h").stdout
        day.cli.must("role", "assign", "team-deployer", "pipeline", "demo")
        token = {"TSURU_TOKEN": re.search(r"[0-9a-f]{64}", made)[0], "TSURU_TARGET": day.target}
        deployed = day.cli.must("app", "deploy", "-a", "hello", "-m", "by the pipeline", ".", cwd=hello, env=token)
        if not deployed.stdout.rstrip().endswith("OK"):
            raise Failed(f"the deploy did not end with OK: {deployed.last_words}")
        day.cli.must("app", "list", env=token)
        denied = "You don't have permission to do this action"
        for argv in (["env", "set", "-a", "hello", "A=b"], ["app", "remove", "-a", "hello", "-y"], ["team", "create", "mine"]):
            day.cli.refused(*argv, words=denied, env=token)
        if "pipeline" not in day.cli.must("app", "deploy", "list", "-a", "hello").stdout:
            raise Failed("the list of deploys does not name the token")
        day.cli.must("token", "delete", "pipeline")
        day.cli.refused("app", "deploy", "-a", "hello", ".", words="401", cwd=hello, env=token)

    return [
        (a_team_token_deploys_and_does_nothing_else,),
        plain("back", "app", "deploy", "rollback", "-a", "hello", "v1", "-y"),
    ]

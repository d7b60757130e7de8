"""Drives the stock `tsuru` CLI through a person's whole day against a running server with a fresh data folder.

usage: python3 compat-tests/cli --target URL --apps HOST:PORT (--login-file FILE | --email E --password P)
       python3 compat-tests/cli --cluster --server PATH-OF-impaasd [--database MONGODB-URL]

With --cluster it starts the server itself, apps run on a real Kubernetes (lib/cluster.py), and the stock deploy-agent builds them. Steps for
the other kind of place are skipped without being counted.

Every step prints ok, FAILED with what differs, or SKIPPED; the last line is `N passed, N failed, N skipped`."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import actions  # noqa: E402
import compare  # noqa: E402
import day as the_day  # noqa: E402
from cluster import PYTHON, Cluster, absent  # noqa: E402
from server import Server  # noqa: E402
from step import Kubernetes, Local, Only  # noqa: E402
from stock import Apps, Cli, Failed, Skipped, read_login, where  # noqa: E402


class Day:
    """Runs the steps and counts."""

    def __init__(self, options, place):
        self.place = place
        self.target, self.email, self.password = options.target, options.email, options.password
        if options.login_file:
            self.email, self.password = read_login(options.login_file)
        self.cli, self.apps, self.recorded = Cli(self.target), Apps(options.apps, options.domain), compare.recorded()
        self.counts = {"ok": 0, "FAILED": 0, "SKIPPED": 0}

    def run(self):
        for step in the_day.steps(self.place, self.target, self.email, self.password):
            if isinstance(step, Only):
                if step.place != self.place.name:
                    continue
                step = step.step
            name = named(step)
            begun = time.monotonic()
            state, reason = "ok", ""
            try:
                self.act(step) if isinstance(step, tuple) else self.one(step)
            except Failed as why:
                state, reason = "FAILED", str(why)
            except Skipped as why:
                state, reason = "SKIPPED", str(why)
            except Exception as error:  # one broken step must not hide the others
                state, reason = "FAILED", f"{type(error).__name__}: {error}"
            self.counts[state] += 1
            print(f"{state:8}{name} ({time.monotonic() - begun:.1f} s){': ' + reason if reason else ''}", flush=True)
        self.cli.close()

    def act(self, step):
        action = getattr(actions, step[0]) if isinstance(step[0], str) else step[0]
        action(self, *step[1:])

    def one(self, step):
        result = self.cli.run(*step.argv, stdin=step.stdin, cwd=step.cwd)
        if step.expect is not None and result.code != step.expect:
            raise Failed(f"exit code {result.code} instead of {step.expect}: {result.text.strip()[-600:]}")
        for words in step.words:
            if words not in result.text:
                raise Failed(f"does not say {words!r}: {result.text.strip()[-600:]}")
        for words in step.without:
            if words in result.text:
                raise Failed(f"says {words!r}: {result.text.strip()[-600:]}")
        there = self.recorded.get(step.name)
        if there and step.mode:
            differs = compare.difference(step.mode, (there["stdout"], there["stderr"]), (result.stdout, result.stderr), self.email)
            if differs:
                raise Failed(f"differs from the recorded line\n{differs}")


def named(step):
    if not isinstance(step, tuple):
        return step.name
    return (step[0] if isinstance(step[0], str) else step[0].__name__).replace("_", " ")


def main():
    parser = argparse.ArgumentParser(description="a day with the stock CLI")
    parser.add_argument("--target", default="http://127.0.0.1:8080")
    parser.add_argument("--apps", default="127.0.0.1:8888")
    parser.add_argument("--domain", default="localhost", help="apps answer as APP.DOMAIN")
    parser.add_argument("--cluster", action="store_true", help="on the cluster that IMPAAS_KUBECONFIG names")
    parser.add_argument("--server", help="with --cluster: the impaasd to start")
    parser.add_argument("--database", help="with --cluster: where its documents are")
    parser.add_argument("--login-file")
    parser.add_argument("--email")
    parser.add_argument("--password")
    options = parser.parse_args()
    if options.cluster and not options.server:
        parser.error("--cluster needs --server")
    if not options.cluster and not options.login_file and not (options.email and options.password):
        parser.error("--login-file, or --email and --password")
    missing = None if where() else "the stock tsuru CLI is not on PATH"
    missing = missing or (absent(ingress=True) if options.cluster else None)
    if missing:
        count = len(the_day.steps(Local(), "", "", ""))
        print(f"SKIPPED {missing}\n0 passed, 0 failed, {count} skipped")
        return 0
    counts = on_cluster(options) if options.cluster else through(Day(options, Local()))
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['SKIPPED']} skipped")
    return 1 if counts["FAILED"] else 0


def through(day):
    day.run()
    return day.counts


def on_cluster(options):
    """The day at a server that is started here."""
    cluster = Cluster("day")
    server = None
    try:
        # One deploy is of an app that never gets well; what gets well has more time by its tsuru.yaml.
        server = Server(options.server, cluster.settings(patience=10), options.database)
        options.target, options.login_file = server.url, server.login
        options.apps, options.domain = cluster.apps
        counts = through(Day(options, Kubernetes(cluster, PYTHON)))
        if counts["FAILED"]:
            cluster.show()
            print(server.log.read_text()[-2000:])
        return counts
    finally:
        if server:
            server.stop()
        cluster.close()


if __name__ == "__main__":
    sys.exit(main())

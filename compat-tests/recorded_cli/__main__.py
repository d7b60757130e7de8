"""Runs the recorded suite of the stock `tsuru` CLI against a new server, and compares what every step prints with what it printed then.

usage: python3 compat-tests/recorded_cli --server PATH-OF-impaasd [--database MONGODB-URL] [--cluster]

With --cluster apps run on a real Kubernetes (lib/cluster.py) instead of as processes of this machine.

The last line is `N same, M different (explained), K failed`."""

import argparse
import base64
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import compare  # noqa: E402
import suite  # noqa: E402
from cluster import Cluster, absent  # noqa: E402
from doubles import Broker, Router  # noqa: E402
from server import Server  # noqa: E402
from settings import ROOT, authority, settings  # noqa: E402
from stock import Cli, where  # noqa: E402


def run(options):
    """Runs all steps; how many are same, different, failed."""
    broker, router = Broker(), Router()
    cluster = Cluster("recorded") if options.cluster else None
    server = Server(options.server, settings(router.url, cluster), options.database, ROOT)
    cli, rules = Cli(server.url), compare.Rules("different_on_cluster.csv" if cluster else "different.csv")
    try:
        shutil.copytree(HERE / "apps", Path(cli.home, "apps"))
        Path(cli.home, "apps", "service.yaml").write_text(broker.manifest())
        authority_there = base64.b64decode(authority(HERE.parent / "recorded"))
        Path(cli.home, "ca.crt").write_bytes(cluster.authority if cluster else authority_there)
        names = suite.Names(server.url, broker.url, router.url, cluster)
        counts = {"same": 0, "different": 0, "FAILED": 0}
        for step in suite.steps():
            state, why = one(cli, names, rules, step)
            counts[state] += 1
            if state == "FAILED" or options.verbose:
                print(f"{state:9} {step['step']}{': ' + why if why else ''}", flush=True)
        for rule in rules.idle():
            counts["FAILED"] += 1
            print(f"FAILED    {rules.name} explains what does not differ: {rule['step']}, {rule['side']}, {rule['line']}")
        if cluster and counts["FAILED"]:
            cluster.show()
    finally:
        cli.close()
        server.stop()
        broker.stop()
        router.stop()
        if cluster:
            cluster.close()
    return counts


def one(cli, names, rules, step):
    name, there = step["step"], (step["rc"], step["stdout"] + step["stderr"])
    folders = suite.FOLDERS_ON_CLUSTER if names.cluster else suite.FOLDERS
    cwd = Path(cli.home, "apps", folders[name]) if name in folders else None
    end = time.monotonic() + suite.PATIENCE.get(name, 0)
    while True:
        result = cli.run(*suite.arguments(step, names), stdin=suite.TYPED.get(name, ""), cwd=cwd)
        differs, why = compare.compare(rules, name, there, (result.code, names.recorded(result.text)))
        if not why or time.monotonic() > end:
            break
        time.sleep(0.3)
    return ("FAILED" if why else "different" if differs else "same"), why


def main():
    parser = argparse.ArgumentParser(description="the recorded suite of the stock CLI")
    parser.add_argument("--server", required=True)
    parser.add_argument("--database")
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    missing = None if where() else "the stock tsuru CLI is not on PATH"
    missing = missing or (absent() if options.cluster else None)
    if missing:
        print(f"SKIPPED {missing}\n0 same, 0 different (explained), 0 failed")
        return 0
    counts = run(options)
    print(f"{counts['same']} same, {counts['different']} different (explained), {counts['FAILED']} failed")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())

"""schemathesis against a running server and its own /openapi.json: statuses, content types and shapes of answers are those that the
document promises, and no 5xx is of our making.

python3 compat-tests/openapi --target URL --login-file FILE [--apps ADDR] [--st PROGRAM] [--seconds N] [--phases NAMES] [--seed N]; anything else is for `st run`
"""

import argparse
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent
TESTS = HERE.parent.parent / "tests"

# By operation: WebSockets, what would end the run's own session, what would make every later change a refusal, and commands of
# nobody's choice on this machine.
LEFT_OUT = [
    "GET /1.0/logs",
    "GET /1.0/apps/{appname}/shell",
    "DELETE /1.0/users/tokens",
    "DELETE /1.0/users",
    "POST /1.3/events/blocks",
    "POST /1.0/apps/{app}/run",
    "POST /1.13/jobs/{name}/trigger",
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    parser.add_argument("--login-file", required=True)
    parser.add_argument("--apps")
    parser.add_argument("--st", default="st")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--phases", default="fuzzing", help="`coverage` looks at every edge of every field, and takes half an hour")
    parser.add_argument("--seed", default="1")
    asked, more = parser.parse_known_args()
    email, password = pathlib.Path(asked.login_file).read_text().splitlines()[:2]
    token = json.loads(call(asked.target, None, "POST", f"/1.0/users/{email}/tokens", {"password": password}))["token"]
    world = seed(asked.target, token)
    sys.exit(run(asked, token, world, more))


def call(target, token, method, path, fields=None):
    body = urllib.parse.urlencode(fields or {}).encode() if fields is not None else None
    request = urllib.request.Request(target + path, data=body, method=method)
    if token:
        request.add_header("Authorization", f"bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def seed(target, token):
    """Some of each kind of thing, and their names by path variable."""
    make = lambda method, path, fields: call(target, token, method, path, fields)
    for name in ("first", "second"):
        make("POST", "/1.0/teams", {"name": f"{name}-team"})
        make("POST", "/1.0/apps", {"name": name, "platform": "static", "teamOwner": "demo"})
        make("POST", "/1.0/plans", {"name": f"{name}-plan", "memory": "64M"})
        make("POST", "/1.0/roles", {"name": f"{name}-role", "context": "team"})
        make("POST", "/1.4/volumes", {"Name": f"{name}-volume", "Pool": "local", "Plan.Name": "local", "TeamOwner": "demo"})
        make("POST", "/1.6/tokens", {"token_id": f"{name}-token", "team": "demo"})
        make("POST", "/1.6/events/webhooks", {"name": f"{name}-hook", "team_owner": "demo", "url": "http://192.0.2.1/"})
        make("POST", "/1.0/users", {"email": f"{name}@example.com", "password": "123456"})
        make("POST", "/1.0/services", {"id": f"{name}-service", "password": "x", "endpoint": "http://127.0.0.1:9", "team": "demo"})
        make("POST", "/1.13/jobs", {"name": f"{name}-job", "teamOwner": "demo", "pool": "local", "plan": "c0.1m0.1", "manual": "true"})
    events = json.loads(call(target, token, "GET", "/1.1/events?limit=3"))
    both = lambda kind: [f"first{kind}", f"second{kind}"]
    return {
        "app": both(""), "appname": both(""), "team": both("-team"), "teams:name": both("-team"), "planname": both("-plan"),
        "roles:name": both("-role"), "volumes:name": both("-volume"), "token_id": both("-token"), "events:name": both("-hook"),
        "email": both("@example.com"), "service": both("-service"), "services:name": both("-service"), "jobs:name": both("-job"),
        "pools:name": ["local"], "platforms:name": ["static", "python"], "uuid": [event["UniqueID"] for event in events],
        "permission": ["app.read", "app.update"], "router": ["local"], "version": ["1"],
    }  # fmt: skip


# 5xx that any event of the contract may be refused with; that nobody answers for the services of this run; and what this machine cannot.
COMMON = [
    ("*", "event locked: *"),
    ("*", "event throttled, limit for *"),
    ("*", 'error running "*" on *: block *'),
    ("*", '* "http://127.0.0.1:9/*": Connection refused*'),
    ("POST /platforms", "platform * cannot be built on this machine, which has no container engine*"),
]


def refusals():
    """Route and text of every 5xx that the contract or deviations.csv has."""
    known = list(COMMON)
    for line in (TESTS / "bad_input/refusals.tsv").read_text().splitlines():
        route, _, text = line.partition("\t")
        known.append((route, text))
    with open(TESTS / "contract/errors.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["status"].startswith("5"):
                pattern = "*".join(part.split(">")[-1] for part in row["text"].split("<")) if "<" in row["text"] else row["text"]
                known.append((f"{row['method']} {row['path']}", pattern))
    # A text that is all variable would allow everything.
    return [(route, text) for route, text in known if len(text.replace("*", "")) > 5]


def run(asked, token, world, more):
    left_out = [word for operation in LEFT_OUT for word in ("--exclude-operation-id", operation)]
    command = [
        str(pathlib.Path(shutil.which(asked.st) or asked.st).resolve()), "run", f"{asked.target}/openapi.json",
        "--header", f"Authorization: bearer {token}",
        "--checks", "status_code_conformance,content_type_conformance,response_schema_conformance,no_fault_of_ours",
        "--phases", asked.phases, "--max-examples", "8", "--max-time", str(asked.seconds), "--workers", "2",
        "--request-timeout", "30", "--generation-database", "none", "--seed", asked.seed, "--no-color", "--continue-on-failure", "--warnings", "off",
        "--suppress-health-check", "all", *left_out, *more,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "SCHEMATHESIS_HOOKS": "hooks",
        "IMPAAS_OPENAPI_WORLD": json.dumps(world),
        "IMPAAS_OPENAPI_REFUSALS": json.dumps(refusals()),
    }
    # It keeps notes of its runs where it runs.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, env=environment, cwd=folder, check=False).returncode


main()

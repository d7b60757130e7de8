"""Drives the stock `tsuru` CLI in a home folder of its own, and asks apps by host name."""

import http.client
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# What a server says when it has no such thing yet, or this machine lacks what it would need.
NOT_HERE = re.compile(r"is not there yet|container engine", re.IGNORECASE)


class Failed(Exception):
    """The step did not do what it should."""


class Skipped(Exception):
    """The step cannot run here; the text says why."""


class Result:
    """What one run of the CLI printed and how it ended."""

    def __init__(self, argv, code, stdout, stderr):
        self.argv, self.code, self.stdout, self.stderr = argv, code, stdout, stderr

    @property
    def text(self):
        return self.stdout + self.stderr

    @property
    def last_words(self):
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return " | ".join(lines[-3:])


def where():
    """Path of the stock CLI, or None."""
    return shutil.which("tsuru")


class Cli:
    """The CLI with its own HOME: targets and sessions of the person who runs this stay untouched."""

    def __init__(self, target):
        self.target, self.home = target, tempfile.mkdtemp(prefix="stock-cli-")
        os.makedirs(f"{self.home}/.tsuru", exist_ok=True)
        keep = {name: value for name, value in os.environ.items() if not name.startswith("TSURU_")}
        self.env = dict(keep, HOME=self.home, TSURU_CLIENT_LOCAL_TIMEOUT="20s", TSURU_DISABLE_COLORS="1", PAGER="", TSURU_PAGER="", TERM="dumb")

    def run(self, *argv, stdin="", cwd=None, env=None, timeout=300):
        """Runs `tsuru ARGV`."""
        try:
            done = subprocess.run(
                ["tsuru", *argv], input=stdin, cwd=cwd or self.home, env=dict(self.env, **(env or {})), timeout=timeout,
                capture_output=True, text=True, errors="replace",
            )
        except subprocess.TimeoutExpired as late:
            printed = [part.decode(errors="replace") if isinstance(part, bytes) else part or "" for part in (late.stdout, late.stderr)]
            return Result(argv, f"none within {timeout} s", *printed)
        return Result(argv, done.returncode, done.stdout, done.stderr)

    def must(self, *argv, **options):
        """Runs it; a failure is a skipped step when the server says that it has no such thing, else a failed one."""
        result = self.run(*argv, **options)
        if result.code == 0:
            return result
        if NOT_HERE.search(result.text):
            raise Skipped(f"the server says: {result.last_words}")
        raise Failed(f"`tsuru {' '.join(argv)}` ended with {result.code}: {result.last_words}")

    def refused(self, *argv, words, **options):
        """Runs what must be refused with these words."""
        result = self.run(*argv, **options)
        if result.code == 0 or words not in result.text:
            raise Failed(f"`tsuru {' '.join(argv)}` should be refused with {words!r}: {result.code}, {result.last_words}")
        return result

    def close(self):
        """Removes the home folder."""
        shutil.rmtree(self.home, ignore_errors=True)


class Apps:
    """The address where apps answer by host name."""

    def __init__(self, address, domain="localhost"):
        url = urllib.parse.urlsplit(address if "//" in address else f"http://{address}")
        self.host, self.port, self.domain = url.hostname, url.port or 80, domain

    def ask(self, app, path="/", method="GET", body=None, headers=None, host=None):
        """Status and text."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        name = host or f"{app}.{self.domain}"
        try:
            connection.request(method, path, body, dict(headers or {}, Host=f"{name}:{self.port}"))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def wait(self, app, words, path="/", patience=120):
        """Asks until the answer is 200 and contains the words."""
        last, end = None, time.monotonic() + patience
        while time.monotonic() < end:
            try:
                last = self.ask(app, path)
                if last[0] == 200 and words in last[1]:
                    return last[1]
            except (OSError, http.client.HTTPException) as error:
                last = error
            time.sleep(0.1)
        raise Failed(f"{app}{path} did not answer {words!r} within {patience} s; last: {str(last)[:300]}")


def read_login(path):
    """E-mail and password of a first-login.txt."""
    email, password = Path(path).read_text().splitlines()[:2]
    return email, password


_given = set()


def free_port():
    """A free loopback port, given once, below those that the system gives to everybody: nobody takes it meanwhile."""
    import random
    import socket

    for port in random.sample(range(18500, 20000), 1500):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    raise Failed("no free port between 18500 and 20000")

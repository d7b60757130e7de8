"""Drives the stock `tsuru` CLI through a person's whole day against a running server with a fresh data folder.

usage: python3 compat-tests/cli --target URL --apps HOST:PORT (--login-file FILE | --email E --password P)

Every step prints ok, FAILED with what differs, or SKIPPED; the last line is `N passed, N failed, N skipped`."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import actions  # noqa: E402
import compare  # noqa: E402
import day as the_day  # noqa: E402
from stock import Apps, Cli, Failed, Skipped, read_login, where  # noqa: E402


class Day:
    """Runs the steps and counts."""

    def __init__(self, options):
        self.target, self.email, self.password = options.target, options.email, options.password
        if options.login_file:
            self.email, self.password = read_login(options.login_file)
        self.cli, self.apps, self.recorded = Cli(self.target), Apps(options.apps), compare.recorded()
        self.counts = {"ok": 0, "FAILED": 0, "SKIPPED": 0}

    def run(self):
        for step in the_day.steps(self.target, self.email, self.password):
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
    parser.add_argument("--login-file")
    parser.add_argument("--email")
    parser.add_argument("--password")
    options = parser.parse_args()
    if not options.login_file and not (options.email and options.password):
        parser.error("--login-file, or --email and --password")
    if not where():
        count = len(the_day.steps("", "", ""))
        print(f"SKIPPED the stock tsuru CLI is not on PATH\n0 passed, 0 failed, {count} skipped")
        return 0
    day = Day(options)
    day.run()
    print(f"{day.counts['ok']} passed, {day.counts['FAILED']} failed, {day.counts['SKIPPED']} skipped")
    return 1 if day.counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())

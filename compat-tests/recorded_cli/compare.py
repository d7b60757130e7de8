"""Compares what the CLI printed with what it printed then, line by line, after times, ids and addresses of machines are masked.

`different.csv` names the lines that differ, each with its reason: `step` (several by `*`), `side` (`there`: only tsuru prints it, `here`:
only we do, `code`: the exit code, `order`: the same lines in another order), `line` (a regular expression for the whole masked line) and `reason`. Those lines are left out; all
others must be the same. A row that fits nothing fails the run, but for those whose reason begins with `varies: `."""

import csv
import difflib
import fnmatch
import re
from pathlib import Path

from tables import UPLOADING, without_metrics

HERE = Path(__file__).resolve().parent

MASKS = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
    (r"\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d [A-Z]+(?: \(\d\d:\d\d(?::\d\d)?\))?", "<time>"),
    (r"\b[0-9a-f]{64}\b", "<token>"),
    (r"\b[0-9a-f]{24}\b", "<id>"),
    (r"\b((?:hello|dock|alices)-web)-[a-z0-9]+(?:-[a-z0-9]+)*", r"\1-<unit>"),
    (r"\b(once-manual-job)-\d+(?:-[a-z0-9]+)*", r"\1-<unit>"),
    (r"\b(?:10|192)(?:\.\d{1,3}){3}\b|(?<=\| )127\.0\.0\.1(?= )", "<ip>"),
    (r"(?<=\| )(?:\d+[dhms])+(?= +\|)", "<age>"),
    UPLOADING,
    (r"\d+\.\d+(?:%|MB|MB/s)", "<size>"),
    (r"127\.0\.0\.1:5000/(?:base|rec21018)/|\btsuru/(?=app-|python\b|job-)", "<registry>/"),
]


def masked(text):
    """Lines without what differs from run to run; tables without borders and paddings."""
    for pattern, become in MASKS:
        text = re.sub(pattern, become, text)
    lines = list(without_metrics(line.rstrip() for line in text.splitlines()))
    return [row(line) if line.startswith("|") else re.sub(r"[ \t]+", " ", line) for line in lines if line and not re.fullmatch(r"\+[-+]+\+", line)]


def row(line):
    return "| " + " | ".join(cell.strip() for cell in line.strip("|").split("|")) + " |"


class Rules:
    """The rows of a file."""

    def __init__(self, name="different.csv"):
        self.name = name
        with open(HERE / name, newline="") as file:
            self.rows = list(csv.DictReader(file))
        for rule in self.rows:
            rule["used"], rule["pattern"] = False, re.compile(rule["line"])
            if not rule["reason"]:
                raise ValueError(f"no reason: {rule}")

    def explains(self, step, side, line):
        """True when a row says that this line differs."""
        fitting = [rule for rule in self.rows if rule["side"] == side and fnmatch.fnmatch(step, rule["step"]) and rule["pattern"].fullmatch(line)]
        for rule in fitting:
            rule["used"] = True
        return bool(fitting)

    def idle(self):
        """Rows that fit nothing."""
        return [rule for rule in self.rows if not rule["used"] and not rule["reason"].startswith("varies: ")]


def compare(rules, step, there, here):
    """(differs, the difference that nothing explains or None); both sides are (exit code, text)."""
    different = False
    if there[0] != here[0]:
        if not rules.explains(step, "code", f"{here[0]} instead of {there[0]}"):
            return True, f"exit code {here[0]} instead of {there[0]}\n{here[1][-800:]}"
        different = True
    kept = []
    for side, text in (("there", there[1]), ("here", here[1])):
        lines = masked(text)
        kept.append([line for line in lines if not rules.explains(step, side, line)])
        different |= len(kept[-1]) < len(lines)
    if kept[0] != kept[1] and sorted(kept[0]) == sorted(kept[1]) and rules.explains(step, "order", ""):
        return True, None
    if kept[0] == kept[1]:
        return different, None
    return True, "\n".join(difflib.unified_diff(*kept, "recorded", "here", lineterm="", n=1))

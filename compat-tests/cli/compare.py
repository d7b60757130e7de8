"""Compares what the CLI printed with a recorded line, after masking what differs from server to server and from run to run."""

import difflib
import json
import re
from pathlib import Path

from tables import UPLOADING, without_metrics

RECORDED = Path(__file__).resolve().parents[1] / "recorded" / "cli.jsonl"

# (pattern, what it becomes): times, ids, tokens, addresses, names of units and images.
MASKS = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}:? ?", ""),
    (r"\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d [A-Z]+ \(\d\d:\d\d(?::\d\d)?\)", "<date>"),
    (r"\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d [A-Z]+", "<date>"),
    (r"\b[0-9a-f]{64}\b", "<token>"),
    (r"\b[0-9a-f]{24}\b", "<id>"),
    (r"http://[a-z0-9-]+(?:\.[a-z0-9]+)?\.localhost(?::\d+)?", lambda m: re.sub(r"(?:\.[a-z0-9]+)?\.localhost(?::\d+)?", ".<domain>", m[0])),
    (r"http://127\.0\.0\.1:\d+", "<target>"),
    (r"127\.0\.0\.1:5000/base/|\btsuru/(?=python\b)", "<base>/"),
    (r"\b([a-z]+-manual-job)-\d+(?:-[a-z0-9]{5})?\b", r"\1-<unit>"),
    (r"127\.0\.0\.1:5000/(?:rec|day)\d+/|\btsuru/(?=app-)", "<registry>/"),
    (r"\b([a-z][a-z0-9-]*?-(?:web|worker))-[a-z0-9]+(?:-[a-z0-9]{5})?\b", r"\1-<unit>"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "<ip>"),
    (r"(?m)^(Provisioner:\s+)(?:kubernetes|local)$", r"\1<provisioner>"),
    (r"(Quota:\s+\d+)/(?:\d+ units|unlimited(?: units)?)", r"\1/<limit> units"),
    UPLOADING,
]

# Lines that only the recorded server prints: its cluster, its metrics, its image builder.
ONLY_THERE = re.compile(r"^(Error:\s+unable to get units metrics|Cluster:\s|#\d+ |Invalid session|Warning: Could not save config)")

# Sections of progress that belong to a cluster.
CLUSTER_SECTIONS = re.compile(r"^---- (Ensuring services|Cleaning up resources|Updating router|Starting container image build|Building )")


def recorded():
    """Step name to its recorded line."""
    lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    return {line["step"]: line for line in lines}


def masked(text, admin=None):
    """Lines without what may differ; tables without their borders and paddings."""
    if admin:
        text = text.replace(admin, "admin@example.com")
    text = re.sub(r"\bkubernetes\b(?=\s*\|)|\blocal\b(?=\s*\|)", "<provisioner>", text)
    for pattern, become in MASKS:
        text = re.sub(pattern, become, text)
    lines, addresses = [], False
    for line in without_metrics(text.splitlines()):
        addresses = bool(line.strip()) and (addresses or re.match(r"Cluster (?:in|ex)ternal addresses:", line) is not None)
        if addresses or re.fullmatch(r"\+[-+]+\+", line) or ONLY_THERE.match(line):
            continue
        lines.append(row(line) if line.startswith("|") else re.sub(r"[ \t]+", " ", line).strip())
    return [line for line in lines if line]


def row(line):
    cells = [re.sub(r"^(?:\d+[dhms])+$", "<age>", cell.strip()) for cell in line.strip("|").split("|")]
    return "| " + " | ".join(cells) + " |"


def sections(lines):
    """Of streamed progress, the headings that do not belong to a cluster, and how it ended."""
    return [line for line in lines if (line.startswith("---- ") and not CLUSTER_SECTIONS.match(line)) or line == "OK"]


def difference(mode, there, here, admin):
    """None when both say the same in this mode, else the difference to show.

    same: line by line; rows: every recorded line is there, more may be; stream: the headings of progress."""
    expected, got = (masked(side[0] + side[1], whose) for side, whose in ((there, None), (here, admin)))
    if mode == "stream":
        expected, got = sections(expected), sections(got)
    if mode == "rows":
        missing = [line for line in expected if line not in got]
        return "\n".join([f"- {line}" for line in missing] + [f"  {line}" for line in got]) if missing else None
    return None if expected == got else "\n".join(difflib.unified_diff(expected, got, "recorded", "here", lineterm="", n=1))

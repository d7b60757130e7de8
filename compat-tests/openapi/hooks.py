"""What schemathesis has to know of this API: names of things that are there, what ends the run's own session, and which 5xx the
contract has (tsuru answers 500 with a known text to what others refuse with 4xx)."""

import json
import os
import random
import re

import schemathesis

FOUND = json.loads(os.environ["IMPAAS_OPENAPI_WORLD"])
KNOWN = [tuple(pair) for pair in json.loads(os.environ["IMPAAS_OPENAPI_REFUSALS"])]


def route_of(operation):
    """`GET /apps/{app}` of `GET /1.0/apps/{app}`."""
    return f"{operation.method.upper()} {re.sub(r'^/[0-9.]+', '', operation.path) or '/'}"


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Half of the requests are about things that are there; removals leave them there."""
    operation = context.operation
    if path_parameters and operation.method.upper() != "DELETE":
        noun = operation.path.split("/")[2]
        for name in path_parameters:
            known = FOUND.get(f"{noun}:{name}") or FOUND.get(name)
            if known and random.random() < 0.5:
                path_parameters[name] = random.choice(known)
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    """Answers that follow a log have no end."""
    if query:
        query.pop("follow", None)
    return query


@schemathesis.check
def no_fault_of_ours(context, response, case):
    """A 5xx is one that the contract has for this route, by its text."""
    if response.status_code < 500:
        return
    text = response.content.decode("utf-8", "replace").strip()
    route = route_of(case.operation)
    fits = lambda pattern: re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
    if not any(of in ("*", route) and fits(pattern) for of, pattern in KNOWN):
        raise AssertionError(f"{response.status_code} of our own making: {text[:300]}")

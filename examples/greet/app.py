"""Greets whoever asks, in the words of the variable GREETING."""

import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def greet():
    return f"{os.environ.get('GREETING', 'Hello')}, world!\n"


@app.get("/<name>")
def greet_somebody(name):
    return f"{os.environ.get('GREETING', 'Hello')}, {name}!\n", {"Content-Type": "text/plain; charset=utf-8"}

"""A list of things to do, kept in the MySQL database that a bound service instance names in MYSQL_* variables."""

import os
from contextlib import contextmanager

import pymysql
from flask import Flask, abort, redirect, render_template_string, request

app = Flask(__name__)

PAGE = """<!doctype html>
<meta charset="utf-8"><title>To do</title>
<style>body { font: 1.1rem/1.6 system-ui; max-width: 36rem; margin: 3rem auto; padding: 0 1rem } li { margin: .3rem 0 }</style>
<h1>To do</h1>
<form method="post" action="/items"><input name="text" required maxlength="200" autofocus> <button>Add</button></form>
<ul>{% for number, text in items %}<li>{{ text }}
<form method="post" action="/items/{{ number }}/done" style="display: inline"><button>Done</button></form></li>{% endfor %}</ul>
"""


@contextmanager
def database():
    if "MYSQL_HOST" not in os.environ:
        abort(503, "No database yet: bind an instance of a MySQL service to this app.")
    connection = pymysql.connect(
        host=os.environ["MYSQL_HOST"],
        port=int(os.environ.get("MYSQL_PORT", "3306")),
        user=os.environ["MYSQL_USER"],
        password=os.environ["MYSQL_PASSWORD"],
        database=os.environ["MYSQL_DATABASE_NAME"],
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS items (number INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200) NOT NULL)")
        yield cursor


@app.get("/")
def show():
    with database() as cursor:
        cursor.execute("SELECT number, text FROM items ORDER BY number")
        return render_template_string(PAGE, items=cursor.fetchall())


@app.post("/items")
def add():
    with database() as cursor:
        cursor.execute("INSERT INTO items (text) VALUES (%s)", (request.form["text"][:200],))
    return redirect("/", 303)


@app.post("/items/<int:number>/done")
def done(number):
    with database() as cursor:
        cursor.execute("DELETE FROM items WHERE number = %s", (number,))
    return redirect("/", 303)


@app.get("/alive")
def alive():
    return "alive\n"

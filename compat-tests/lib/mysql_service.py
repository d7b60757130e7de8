"""A real MariaDB in a temporary folder, and a small service broker (tsuru's classic service API) that makes databases and users in it."""

import base64
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time

from stand_ins import Listening
from stock import Failed, Skipped, free_port

USER, PASSWORD = "mysql", secrets.token_hex(16)


class MariaDb:
    """`mariadbd` from the Debian package, on loopback."""

    def __init__(self, address="127.0.0.1"):
        missing = [name for name in ("mariadbd", "mariadb", "mariadb-install-db") if not shutil.which(name)]
        if missing:
            raise Skipped(f"{', '.join(missing)} not installed (apt-get install mariadb-server)")
        self.address, self.port = address, free_port()
        self.folder = tempfile.mkdtemp(prefix="mariadb-")
        self.socket, user = f"{self.folder}/socket", f"--user={'mysql' if os.getuid() else 'root'}"
        users = [] if os.getuid() else [user]
        data = f"--datadir={self.folder}/data"
        log = open(f"{self.folder}/log", "ab")
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", *users, data, "--auth-root-authentication-method=normal", "--skip-test-db"],
            stdout=log, stderr=log, check=True,
        )
        flags = [data, f"--socket={self.socket}", f"--port={self.port}", f"--bind-address={address}", f"--pid-file={self.folder}/pid"]
        self.process = subprocess.Popen(["mariadbd", "--no-defaults", *users, *flags, "--innodb-buffer-pool-size=32M"], stdout=log, stderr=log)
        end = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"mariadbd did not start: {open(f'{self.folder}/log').read()[-500:]}")
            time.sleep(0.1)

    def answers(self):
        return self.client("SELECT 1").returncode == 0

    def client(self, sql):
        command = ["mariadb", "--no-defaults", "--batch", f"--socket={self.socket}", "--user=root"]
        return subprocess.run(command, input=sql, capture_output=True, text=True)

    def run(self, sql):
        done = self.client(sql)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


class Broker(Listening):
    """Answers the service API; `calls` keeps method and path of each request."""

    authorization = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def __init__(self, database):
        self.database = database
        super().__init__()

    def manifest(self, team):
        return f"id: mysql\nusername: {USER}\npassword: {PASSWORD}\nendpoint:\n  production: {self.url}\nteam: {team}\n"

    def act(self, method, path, form):
        match (method, path):
            case ("GET", ["resources", "plans"]):
                return 200, [{"name": "small", "description": "a database on a shared server"}]
            case ("POST", ["resources"]):
                self.database.run(f"CREATE DATABASE `{name_of(form['name'][0])}`")
                return 201, None
            case ("GET", ["resources", instance]):
                return 200, [{"label": "Database", "value": name_of(instance)}]
            case ("PUT", ["resources", _]):
                return 200, None
            case ("DELETE", ["resources", instance]):
                self.database.run(f"DROP DATABASE IF EXISTS `{name_of(instance)}`")
                return 200, None
            case ("GET", ["resources", _, "status"]):
                return 204, None
            case ("POST", ["resources", instance, "bind-app" | "bind"]):
                return 201, self.bind(name_of(instance), form["app-name"][0])
            case ("DELETE", ["resources", instance, "bind-app" | "bind"]):
                self.database.run(f"DROP USER IF EXISTS '{user_of(name_of(instance), form.get('app-name', ['app'])[0])}'@'%'")
                return 200, None
        return 404, "no such resource"

    def bind(self, database, app):
        user, password = user_of(database, app), secrets.token_urlsafe(24)
        self.database.run(f"CREATE OR REPLACE USER '{user}'@'%' IDENTIFIED BY '{password}'; GRANT ALL ON `{database}`.* TO '{user}'@'%'")
        return {
            "MYSQL_HOST": self.database.address,
            "MYSQL_PORT": str(self.database.port),
            "MYSQL_USER": user,
            "MYSQL_PASSWORD": password,
            "MYSQL_DATABASE_NAME": database,
        }


def name_of(instance):
    return re.sub(r"[^a-z0-9]", "_", instance.lower())[:60]


def user_of(database, app):
    return f"{database[:30]}_{name_of(app)[:30]}"

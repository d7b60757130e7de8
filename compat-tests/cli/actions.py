"""What a step of the day does beyond one command."""

import json
import tarfile
import time
import urllib.request
from pathlib import Path

import terminal
from stock import Failed

HERE = Path(__file__).resolve().parent


def the_app_answers(day, words):
    day.apps.wait("hello", words)


def the_cname_answers(day, name):
    wait(f"an answer by {name}", lambda: "hello there" in day.apps.ask("hello", host=name)[1])


def an_alias_takes_another_variables_value(day):
    """The stock CLI has no flag for it; its library sends this."""
    envs = {"envs": [{"name": "SALUTE", "alias": "GREETING"}], "norestart": True}
    token = next(Path(day.cli.home, ".tsuru").glob("token*/*"), None) or Path(day.cli.home, ".tsuru", "token")
    headers = {"Content-Type": "application/json", "Authorization": f"bearer {token.read_text().strip()}"}
    request = urllib.request.Request(f"{day.target}/1.0/apps/hello/env", json.dumps(envs).encode(), headers)
    urllib.request.urlopen(request).read()
    printed = day.cli.must("env", "get", "-a", "hello", "SALUTE").stdout
    if "SALUTE" not in printed:
        raise Failed(f"env get shows no alias: {printed}")
    day.cli.must("env", "unset", "-a", "hello", "SALUTE")


def a_followed_log_shows_new_lines(day):
    terminal.follow(day.cli, "hello", lambda: day.apps.ask("hello", "/say/something"))


def a_shell_is_a_real_terminal(day):
    terminal.shell(day.cli, "hello")


def a_shell_of_ones_own_is_a_real_terminal(day):
    terminal.shell(day.cli, "hello", "--isolated")


def a_debug_container_is_beside_the_unit(day):
    terminal.shell(day.cli, "hello", "--debug")


def a_unit_is_killed_and_made_again(day):
    killed = units(day)[0]
    day.cli.must("unit", "kill", "-a", "hello", killed)
    wait("another unit in place of the killed one", lambda: killed not in units(day) and len(units(day)) == 1)
    day.apps.wait("hello", "hello there")


def units_are_added_to_one_version(day):
    one = ["1", "-a", "hello", "-p", "web", "--version", "2"]
    before = len(units(day))
    day.cli.must("unit", "add", *one)
    wait("one unit more", lambda: len(units(day)) == before + 1)
    day.cli.must("unit", "remove", *one)
    wait("one unit less", lambda: len(units(day)) == before)


def units(day):
    """The ids of the units that are ready."""
    shown = json.loads(day.cli.must("app", "info", "-a", "hello", "--json").stdout)
    return [unit["ID"] for unit in shown["units"] if unit["Ready"]]


def wait(what, there):
    end = time.monotonic() + 120
    while not there():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within two minutes")
        time.sleep(0.2)


def a_failing_deploy_says_why_and_leaves_the_app_alone(day, words):
    folder = Path(day.cli.home, "broken")
    folder.mkdir(exist_ok=True)
    (folder / "Procfile").write_text("web: python3 app.py\n")
    (folder / "app.py").write_text("import sys\nprint('cannot find my spoon', flush=True)\nsys.exit(7)\n")
    result = day.cli.run("app", "deploy", "-a", "hello", ".", cwd=folder)
    if result.code == 0 or "cannot find my spoon" not in result.text:
        raise Failed(f"a crashing app should fail its deploy with its last log lines: {result.code}, {result.text[-400:]}")
    day.apps.wait("hello", words)


def the_job_ran(day):
    end = time.monotonic() + 120
    while "succeeded" not in day.cli.must("job", "info", "once").stdout:
        if time.monotonic() > end:
            raise Failed("the job did not run within two minutes")
        time.sleep(0.2)


def an_archive_is_deployed(day):
    """A tar.gz of one's own, unpacked by the server like a folder."""
    archive = Path(day.cli.home, "hello.tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("app.py", "Procfile", "tsuru.yaml"):
            tar.add(HERE / "hello" / name, name)
    token = next(Path(day.cli.home, ".tsuru").glob("token*/*"), None) or Path(day.cli.home, ".tsuru", "token")
    boundary = "archive-of-the-day"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="archive.tar.gz"\r\n\r\n'
    body = head.encode() + archive.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": f"bearer {token.read_text().strip()}"}
    request = urllib.request.Request(f"{day.target}/1.0/apps/hello/deploy?origin=app-deploy", body, headers)
    log = urllib.request.urlopen(request, timeout=300).read().decode()
    if not log.endswith("\nOK\n"):
        raise Failed(f"the archive was not deployed: {log[-400:]}")

"""The CLI on a pseudo terminal, as a person has it: arrow keys, colours, Ctrl-C, a size."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from stock import Failed

ROWS, COLUMNS = 33, 101


class Terminal:
    """A command on a terminal of ROWS x COLUMNS."""

    def __init__(self, cli, *argv):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        env = dict(cli.env, TERM="xterm-256color")
        self.process = subprocess.Popen(
            ["tsuru", *argv], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cli.home, preexec_fn=take_terminal, close_fds=True,
        )
        os.close(slave)
        self.seen = ""

    def type(self, keys):
        os.write(self.master, keys.encode())

    def expect(self, pattern, patience=120):
        """Reads until the pattern shows up in what was not expected yet."""
        end = time.monotonic() + patience
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            try:
                piece = os.read(self.master, 65536) if ready else b""
            except OSError:
                piece = b""
            if not piece:
                raise Failed(f"the terminal did not show {pattern!r}; it shows {self.seen[-400:]!r}")
            self.seen += piece.decode(errors="replace")
        self.seen = self.seen[found.end() :]

    def end(self, patience=60):
        """Waits for the end; the exit code."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failed("the command did not end") from None
        finally:
            self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.master is not None:
            os.close(self.master)
            self.master = None


def take_terminal():
    """Makes standard input the controlling terminal, so that Ctrl-C is a signal: also where this program was started to ignore it."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def shell(cli, app, *flags, folder="/home/application/current"):
    """A session in an app's shell, which begins in this folder; raises where it is not a real terminal."""
    terminal = Terminal(cli, "app", "shell", "-a", app, *flags)
    try:
        terminal.type("echo ready-$((20+3))\r")
        terminal.expect(r"ready-23")
        terminal.type("stty size; echo sized\r")
        terminal.expect(rf"\b{ROWS} {COLUMNS}\b")
        terminal.expect(r"sized")
        terminal.type("echo again-$((40+2))\r")
        terminal.expect(r"again-42")
        terminal.type("\x1b[A\r")
        terminal.expect(r"again-42")
        terminal.type("printf '\\033[3%dmred\\033[0m\\n' 1\r")
        terminal.expect("\x1b\\[31mred\x1b\\[0m")
        # One process says it and sleeps: an interrupt between two could hit neither.
        terminal.type("sh -c 'echo sleeping-$((1+1)); exec sleep 600'\r")
        terminal.expect(r"sleeping-2")
        terminal.type("\x03")
        terminal.type("echo awake-$((2+2)) in $PWD\r")
        terminal.expect(rf"awake-4 in {folder}")
        terminal.type("exit\r")
        terminal.end()
    finally:
        terminal.close()


def follow(cli, app, say):
    """Follows the log while `say` makes the app print a line; the line must arrive while following."""
    terminal = Terminal(cli, "app", "log", "-a", app, "-f", "-l", "5")
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            say()
            try:
                terminal.expect(r"said: something", 2)
                terminal.type("\x03")
                terminal.end()
                return
            except Failed:
                if terminal.process.poll() is not None:
                    raise
        raise Failed("the followed log never showed the line")
    finally:
        terminal.close()

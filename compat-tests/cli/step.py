"""One command of a day."""


class Step:
    """`expect` is its exit code (None: any), `words` must be printed and `without` not, `mode` says how it is compared with the recorded
    line of its name (None: not)."""

    def __init__(self, name, *argv, expect=0, words=(), mode="same", stdin="", cwd=None, without=()):
        self.name, self.argv, self.expect, self.mode, self.stdin, self.cwd = name, argv, expect, mode, stdin, cwd
        self.words = [words] if isinstance(words, str) else list(words)
        self.without = [without] if isinstance(without, str) else list(without)

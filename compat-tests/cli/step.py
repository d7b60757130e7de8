"""One command of a day."""


class Step:
    """`expect` is its exit code (None: any), `words` must be printed and `without` not, `mode` says how it is compared with the recorded
    line of its name (None: not)."""

    def __init__(self, name, *argv, expect=0, words=(), mode="same", stdin="", cwd=None, without=()):
        self.name, self.argv, self.expect, self.mode, self.stdin, self.cwd = name, argv, expect, mode, stdin, cwd
        self.words = [words] if isinstance(words, str) else list(words)
        self.without = [without] if isinstance(without, str) else list(without)


class Local:
    """Apps run on the server's machine."""

    name, provisioner, python, image = "local", "local", "tsuru/python:latest", "tsuru/app-hello"

    def first(self):
        """Steps before the first app: none, the server has all that is needed."""
        return []


class Kubernetes:
    """Apps run on a cluster (lib/cluster.py)."""

    name, provisioner = "kubernetes", "kubernetes"

    def __init__(self, cluster, python):
        self.cluster, self.python, self.image = cluster, python, f"{cluster.images}/app-hello"

    def first(self):
        """The cluster, its pool in place of that of this machine, its platform."""
        return [
            (self.cluster_add,),
            Step("platform-update-image", "platform", "update", "python", "-i", self.python, mode=None, words="Platform successfully updated!"),
        ]

    def cluster_add(self, day):
        day.cli.must(*self.cluster.add(day.cli.home), "--custom", f"debug-container-image={self.python}")


class Only:
    """A step for one kind of place, with the reason."""

    def __init__(self, place, why, step):
        self.place, self.why, self.step = place, why, step


def local(why, *steps):
    """These steps make sense on the server's own machine only."""
    return [Only("local", why, step) for step in steps]


def kubernetes(why, *steps):
    """These need a cluster."""
    return [Only("kubernetes", why, step) for step in steps]

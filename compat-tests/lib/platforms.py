"""Platforms for the test cluster, as Dockerfiles of its Python image: `static`, and a `python` that installs what requirements.txt names.
Builds reach this machine only, so that pip on this machine fetches the wheels, and builds have them from here."""

import functools
import http.server
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from cluster import PYTHON
from stock import Failed

STATIC = f"""FROM {PYTHON}
USER root
RUN cat <<'END' >> /var/lib/tsuru/deploy
cd /home/application/current
[ -f Procfile ] || echo 'web: python3 -m http.server $PORT' > Procfile
END
USER 1000
"""

WITH_WHEELS = """FROM {python}
USER root
ADD --chmod=644 {wheels}/{pip} /opt/{pip}
RUN cat <<'END' >> /var/lib/tsuru/deploy
cd /home/application/current
[ ! -f requirements.txt ] || python3 /opt/{pip}/pip install --user --break-system-packages --no-index --find-links {wheels}/ -r requirements.txt
END
# Units start from a login shell, which forgets the image's PATH.
RUN echo 'PATH=$HOME/.local/bin:$PATH' >> /home/ubuntu/.profile
USER 1000
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Wheels:
    """What these files of requirements name, and pip itself, served over HTTP."""

    def __init__(self, *requirements):
        self.folder = tempfile.TemporaryDirectory(prefix="wheels-")
        named = [word for file in requirements for word in ("-r", str(file))]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", self.folder.name, "--only-binary", ":all:", "pip", *named]
        # For the cluster's Python, which need not be this one.
        done = subprocess.run([*command, "--python-version", "3.11"], capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"pip download: {done.stderr.strip()[-400:]}")
        handler = functools.partial(Quiet, directory=self.folder.name)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def python(self):
        """The Dockerfile of the platform."""
        pip = next(Path(self.folder.name).glob("pip-*.whl")).name
        return WITH_WHEELS.format(python=PYTHON, wheels=f"http://127.0.0.1:{self.server.server_port}", pip=pip)

    def stop(self):
        self.server.shutdown()
        self.folder.cleanup()

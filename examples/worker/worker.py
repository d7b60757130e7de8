"""The process that works in the background: it only logs, and ends in order when asked to."""

import os
import signal
import sys
import threading

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())

done = 0
while True:
    print(f"{os.environ['TSURU_PROCESSNAME']} did job {done}", flush=True)
    done += 1
    if stop.wait(1):
        print(f"stopped after {done} jobs", flush=True)
        sys.exit(0)

"""A service that does nothing but serve: it lets the supervisor be tested by itself. `python small_service.py`.

Answers `/readyz` and `/env` (its environment as JSON), drains on SIGTERM for CUTLOG_TEST_DRAIN seconds, and with
CUTLOG_TEST_CHILD=1 keeps a child process of its own. Standard library only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(dict(os.environ) if self.path == "/env" else {"path": self.path, "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        sys.stderr.write(format % args + "\n")


def main() -> None:
    if os.environ.get("CUTLOG_TEST_FAIL"):
        sys.exit("this service was told to fail")
    host, _, port = os.environ["CUTLOG_LISTEN"].rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    if os.environ.get("CUTLOG_TEST_CHILD"):
        subprocess.Popen(["sleep", "1000"], start_new_session=True)

    def drain(number: int, frame: object) -> None:
        sys.stderr.write("draining\n")
        threading.Timer(float(os.environ.get("CUTLOG_TEST_DRAIN", "0")), server.shutdown).start()

    signal.signal(signal.SIGTERM, drain)
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()

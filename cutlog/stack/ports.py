"""Free TCP ports on loopback."""

from __future__ import annotations

import random
import socket

FIRST, LAST = 20000, 32000
"""Below the range from which Linux takes the ports of outgoing connections, so that a port stays ours
while its program is restarted."""


class NoPort(RuntimeError):
    """No free TCP port was found on loopback."""


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """`count` different ports that nobody listens on now."""
    ports: list[int] = []
    for port in random.sample(range(FIRST, LAST), 1000):
        if len(ports) == count:
            return ports
        if is_free(host, port):
            ports.append(port)
    raise NoPort(f"between {FIRST} and {LAST}")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host`:`port` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, port))
        except OSError:
            return False
        return True

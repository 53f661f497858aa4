"""TCP ports: free ones on loopback, and those of services beside their gateway's."""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Sequence
from typing import Final

FIRST, LAST = 20000, 32000
"""Below the range from which Linux takes the ports of outgoing connections, so that a port stays ours
while its program is restarted."""
STEP: Final = 1000
_MARKS: Final[list[socket.socket]] = []


class NoPort(RuntimeError):
    """No free TCP port was found on loopback."""


def free_ports(count: int, host: str = "127.0.0.1", among: Sequence[int] = range(FIRST, LAST)) -> list[int]:
    """`count` different ports that nobody listens on now, and that no other process is given while this one lives: it
    takes seconds until a server listens there."""
    ports: list[int] = []
    for port in random.sample(among, min(1000, len(among))):
        if len(ports) == count:
            break
        if is_free(host, port) and _claimed(port):
            ports.append(port)
    if len(ports) == count:
        return ports
    raise NoPort(f"between {among[0]} and {among[-1]}")


def _claimed(port: int) -> bool:
    """Whether a port is ours now. A socket without a path marks it, which ends with this process."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0cutlog-port-{port}")
    except OSError as error:
        mark.close()
        return error.errno != errno.EADDRINUSE  # a mark is a courtesy, not a condition
    _MARKS.append(mark)
    return True


def ports_beside(gateway: int, count: int) -> list[int]:
    """The ports of `count` services: 1000, 2000, … above the gateway's, so that they stay the same from start to start
    and stacks with neighbouring gateways share none."""
    return [gateway + STEP * number for number in range(1, count + 1)]


def usable(ports: list[int]) -> list[int]:
    """The same ports, with a free one in the place of each that is taken or too high to stay ours."""
    good = [port < LAST and is_free("127.0.0.1", port) for port in ports]
    spare = iter([port for port in free_ports(2 * len(ports)) if port not in ports])
    return [port if kept else next(spare) for port, kept in zip(ports, good, strict=True)]


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host`:`port` now."""
    return why_not(host, port) is None


def why_not(host: str, port: int) -> tuple[str, str] | None:
    """Why no server could listen on `host`:`port` now, and what to do about it; None: one could."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, port))
        except (socket.gaierror, UnicodeError):
            return f"{host} is neither an address nor a known name", "give an address of this machine as --host"
        except OSError as error:
            match error.errno:
                case errno.EADDRNOTAVAIL:
                    return f"{host} is not an address of this machine", "--host takes one that is, or 0.0.0.0 for all"
                case errno.EACCES:
                    return f"only root may listen on port {port}", "choose a --port of 1024 or above"
                case errno.EADDRINUSE:
                    return f"{host}:{port} is taken by another program", "choose another, or --port 0 for a free one"
                case other:
                    return f"cannot listen on {host}:{port} ({os.strerror(other or 0)})", "choose another --port"
        return None

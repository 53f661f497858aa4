"""TCP options that make a connection to a vanished host fail within seconds instead of hours."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any, Final

IDLE: Final = 4
"""Seconds without traffic before the first keepalive probe."""
INTERVAL: Final = 2
"""Seconds between probes."""
PROBES: Final = 3
"""Unanswered probes after which the connection is closed."""
USER_TIMEOUT: Final = 10
"""Seconds after which data that nobody acknowledged closes the connection."""
SERVER_SIDE: Final = {
    "tcp_keepalives_idle": str(IDLE),
    "tcp_keepalives_interval": str(INTERVAL),
    "tcp_keepalives_count": str(PROBES),
    "tcp_user_timeout": str(USER_TIMEOUT * 1000),
    "client_connection_check_interval": str(USER_TIMEOUT * 1000),
}
"""Settings of PostgreSQL that have it end the session, and with it the locks, of a client that has vanished. Any role
may set them for its session, so they hold on every server, however that is configured."""


def notice_silence(endpoint: Any) -> None:
    """Sets the options on a socket, or on the socket of an asyncio transport. Does nothing where there is no TCP."""
    found = endpoint.get_extra_info("socket") if hasattr(endpoint, "get_extra_info") else endpoint
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return
    options = (
        ("TCP_KEEPIDLE", IDLE),
        ("TCP_KEEPINTVL", INTERVAL),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", USER_TIMEOUT * 1000),
    )
    with suppress(OSError):  # a connection that was closed meanwhile says so itself
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options:
            if hasattr(socket, name):
                found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

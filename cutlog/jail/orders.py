"""What a service and the warden say to each other, over a connection for each program.

The service sends a length (4 bytes, big endian) and an Order, and gets a length and a Started; then a byte, with which
come the ends of the pipes of stdout and stderr. When the program has ended, its code comes (4 bytes, signed): minus the
signal, where one ended it. Whoever hangs up before ends the program.
"""

from __future__ import annotations

import socket
import struct
from typing import Final, Literal

import msgspec

PIPES: Final = b"\n"
"""The byte that comes with the pipes."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A program to start in a jail. It may read `reads`, and read and write `folder`, where it works. `rlimits` are
    kernel limits (resource.RLIMIT_*), `processes` how many it may be."""

    jail: Literal["sandlock", "bubblewrap", "off"]
    argv: list[str]
    reads: list[str]
    folder: str | None
    rlimits: dict[int, int]
    processes: int
    bwrap: str = ""
    """The command, for bubblewrap."""


class Started(msgspec.Struct, frozen=True):
    """The pid, which leads a process group, or why there is none."""

    pid: int = 0
    error: str = ""


def send(connection: socket.socket, message: bytes) -> None:
    """Sends a message with its length."""
    connection.sendall(len(message).to_bytes(4) + message)


def receive(connection: socket.socket) -> bytes | None:
    """A message with its length; None when the other side has hung up."""
    length = receive_exactly(connection, 4)
    return None if length is None else receive_exactly(connection, int.from_bytes(length))


def receive_exactly(connection: socket.socket, size: int) -> bytes | None:
    """So many bytes; None when the other side has hung up before."""
    received = bytearray()
    while len(received) < size:
        part = connection.recv(min(size - len(received), 1 << 16))
        if not part:
            return None
        received += part
    return bytes(received)


def user_of(connection: socket.socket) -> int:
    """Who connected, or made the socket that listened: the kernel's word."""
    _, user, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(user)

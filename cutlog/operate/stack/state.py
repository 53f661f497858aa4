"""What a running stack tells the other commands: DATA/run/stack.json, mode 0600, gone when it has stopped."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.processes import process
from cutlog.operate.stack.secrets import write_private_json


class NotRunning(RuntimeError):
    """No stack runs on this folder."""


class StackState(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=False):
    """Where everything listens, and which processes it is. Holds no secret; those are in DATA/secrets."""

    pid: int
    started: int
    """Start time of `pid` in clock ticks since boot."""
    url: str
    """Of the gateway, for this machine."""
    data: str
    nats_url: str
    postgres_port: int
    listen: dict[str, str]
    """Service → HOST:PORT."""
    pids: dict[str, int]
    public_url: str = ""
    """Where users reach the gateway; empty in what older versions wrote."""


def write_state(layout: Layout, state: StackState) -> None:
    """Replaces stack.json."""
    write_private_json(layout.state, state)


def read_state(data: Path) -> StackState:
    """The state of the stack that runs on `data` now. Raises NotRunning."""
    layout = Layout(data)
    try:
        state = msgspec.json.decode(layout.state.read_bytes(), type=StackState)
    except (FileNotFoundError, NotADirectoryError):
        raise NotRunning(f"no stack runs on {data}: start one with `cutlog up --data {data}`") from None
    except PermissionError as error:
        raise NotRunning(f"{data} belongs to another user: you have no permission for {error.filename}") from None
    found = process(state.pid)
    if found is None or found.started != state.started:
        raise NotRunning(f"the stack on {data} has been killed: start it again with `cutlog up --data {data}`")
    return state

"""`cutlog up` whose services reach PostgreSQL and NATS through ports of the test's.

`python -m tests.support.wired_stack POSTGRES NATS ENDS DATA`: two ports, and a file that gets the real ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
import typer

from cutlog.operate.cli.up import run_stack
from cutlog.operate.stack.environment import service_environment
from cutlog.operate.stack.services import installed_services


class Ends(msgspec.Struct):
    """The ports where PostgreSQL and NATS are."""

    postgres: int
    nats: int


def main(postgres: int, nats: int, ends: Path, data: Path) -> None:
    def through(service: str, **rest: Any) -> dict[str, str]:
        made = service_environment(service, **rest)
        database, bus = made["CUTLOG_DATABASE_URL"], made["CUTLOG_NATS_URL"]
        ends.write_bytes(msgspec.json.encode(Ends(_port(database), _port(bus))))
        return made | {"CUTLOG_DATABASE_URL": _at(database, postgres), "CUTLOG_NATS_URL": _at(bus, nats)}

    run_stack(data, "127.0.0.1", 0, installed_services({"ops": 2}), environment=through)


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _at(url: str, port: int) -> str:
    parts = urlsplit(url)
    assert parts.port is not None
    return urlunsplit(parts._replace(netloc=parts.netloc.removesuffix(str(parts.port)) + str(port)))


if __name__ == "__main__":
    typer.run(main)

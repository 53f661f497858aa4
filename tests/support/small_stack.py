"""`cutlog up` with four small services in place of the real ones: `python -m tests.support.small_stack DATA`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cutlog.operate.cli.up import run_stack
from cutlog.operate.stack.services import ServiceProgram

SERVICE = Path(__file__).with_name("small_service.py")


def main(data: Path, port: Annotated[int, typer.Option()] = 0) -> None:
    names = ("ops", "media", "render", "gc")
    services = [ServiceProgram(name, [sys.executable, str(SERVICE)], None) for name in names]
    run_stack(data, "127.0.0.1", port, services)


if __name__ == "__main__":
    typer.run(main)

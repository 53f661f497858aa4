"""`cutlog serve`: one service alone, configured by `CUTLOG_*`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from cutlog.operate.cli.failing import USAGE, causes, fail
from cutlog.process.importing import without

DRAIN_SECONDS = 18.0
"""After this long a service that still drains is ended, so that nothing outlives its supervisor."""


def serve(
    service: Annotated[str, typer.Argument(help="ops, media, render or gc.")],
) -> None:
    """Runs one service until SIGTERM or Ctrl-C; logs JSON lines to stderr. Needs PostgreSQL and NATS."""
    from cutlog.hosting.service import installed, load
    from cutlog.process.readiness import CannotServe

    if service not in installed():
        raise typer.BadParameter(f"there is {', '.join(installed())}", param_hint="service")
    import uvloop
    from pydantic import ValidationError

    from cutlog.hosting.logs import log_json
    from cutlog.hosting.settings import Settings
    from cutlog.jail.client import WARDEN
    from cutlog.operate.stack.alone import give_up_root
    from cutlog.operate.stack.passages import ClosedFolder
    from cutlog.process.tracing import TracingNotInstalled, send_spans

    try:
        settings = Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        where = "; ".join(f"CUTLOG_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        fail(f"the environment is not complete: {where}")
    if settings.credentials == Path():
        fail("CUTLOG_CREDENTIALS is not set: name the folder of this service that `cutlog keys create` made", USAGE)
    if not settings.file_secret.get_secret_value().strip():
        fail("CUTLOG_FILE_SECRET is empty: set it to the secret that all services share", USAGE)
    try:
        give_up_root(service, settings)
    except (ClosedFolder, OSError) as error:
        fail(f"cannot give up root: {error}")
    if settings.warden:
        WARDEN.use(settings.warden)
    with without("rich"):  # which structlog takes for consoles: 4 MiB
        loaded = load(service)
    log_json(service, settings.log_level)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        try:
            send_spans(service)
        except TracingNotInstalled as error:
            fail(str(error))
    unhurried_collection()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask() -> None:
            if not stop.is_set():
                loop.call_later(DRAIN_SECONDS, os._exit, 1)
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ask)
        await loaded.run(settings, stop)

    reasons: list[str] = []
    try:
        uvloop.run(run())
    except* CannotServe as group:
        reasons.extend(map(str, causes(group)))
    if reasons:
        fail(reasons[0])


def unhurried_collection() -> None:
    """What is loaded so far stays: the collector need not look at it again. And it looks less often at what comes,
    since a service keeps large immutable states, and cycles are rare in it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)

"""`cutlog serve`: one service alone, configured by `CUTLOG_*`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import Annotated

import typer

from cutlog.cli.failing import fail

DRAIN_SECONDS = 18.0
"""After this long a service that still drains is ended, so that nothing outlives its supervisor."""


def serve(
    service: Annotated[str, typer.Argument(help="ops, media, render or gc.")],
) -> None:
    """Runs one service until SIGTERM or Ctrl-C; logs JSON lines to stderr. Needs PostgreSQL and NATS."""
    from cutlog.service import ServiceUnknown, installed, load

    try:
        loaded = load(service)
    except ServiceUnknown:
        raise typer.BadParameter(f"there is {', '.join(installed())}", param_hint="service") from None
    import uvloop
    from pydantic import ValidationError

    from cutlog.settings import Settings
    from cutlog.stack.hold import wait_until_released

    if not wait_until_released():
        fail("the supervisor went away")

    try:
        settings = Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        where = "; ".join(f"CUTLOG_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        fail(f"the environment is not complete: {where}")
    log_json(service, settings.log_level)

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

    uvloop.run(run())


def log_json(service: str, level: str) -> None:
    """All logging, ours and that of libraries, as one JSON object per line on stderr."""
    import structlog

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _name, event: {"service": service, **event},
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)

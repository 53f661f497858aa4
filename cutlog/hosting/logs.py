"""Logs of a service: one JSON object per line on stderr."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, BinaryIO, Final

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from cutlog.contract.lines import escaped

_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


class Sink:
    """Writes lines together that come within one turn of the event loop: every request has one. On a full disk lines
    are lost; nothing that is logged about may fail for that."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines: list[bytes] = []
        self._torn = False
        atexit.register(self.flush)

    def soon(self, line: bytes) -> None:
        """Writes a line when the loop has done what it is at; at once where there is no loop."""
        self._lines.append(line)
        if len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()

    def now(self, line: bytes) -> None:
        """Writes a line, and those before it."""
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Writes what waits. A line that could be written in part only is ended before the next."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        data = b"\n" * self._torn + b"\n".join(lines) + b"\n"
        left = memoryview(data)
        with suppress(OSError):
            while left and (written := self._file.write(left)):
                left = left[written:]
            self._file.flush()
        if len(left) < len(data):
            self._torn = len(left) > 0


class Lines:
    """Where our own log lines go, straight and encoded: every request writes one, and logging costs it little."""

    def __init__(self, sink: Sink, name: str | None) -> None:
        self.name = name
        self.debug = self.info = self.msg = sink.soon
        self.warning = self.error = self.critical = self.exception = sink.now


def log_json(service: str, level: str) -> None:
    """All logging, ours and that of libraries, as one JSON object per line on stderr."""

    def served(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        served,
        structlog.processors.format_exc_info,
    ]
    sink = Sink(sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda name=None: Lines(sink, name),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _text],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def log_quietly() -> None:
    """For commands that print what they found: warnings only, on stderr."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def rendered(_logger: WrappedLogger, _name: str, event: Mapping[str, Any]) -> bytes:
    """An event as JSON; values that JSON does not know as text, whatever is in them."""
    try:
        line = _ENCODER.encode(event)
        return line if line.isascii() else escaped(line.decode()).encode()
    except Exception:  # such as half of a surrogate pair in a path that a client made up
        return json.dumps(event, default=str, skipkeys=True).encode()


def _text(logger: WrappedLogger, name: str, event: Mapping[str, Any]) -> str:
    return rendered(logger, name, event).decode()

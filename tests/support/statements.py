"""What an engine asks of the database: each statement is a round trip, BEGIN and COMMIT too."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


class Statements:
    """Those of each connection that the engine makes from now on, in order, by the server's process that serves it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.by_connection: dict[int, list[str]] = defaultdict(list)
        event.listen(engine.sync_engine, "connect", self._connected)

    def clear(self) -> None:
        """Forgets those so far."""
        self.by_connection.clear()

    def _connected(self, dbapi: Any, _: Any) -> None:
        driver = dbapi.driver_connection
        said = driver.get_server_pid()
        driver.add_query_logger(lambda query: self.by_connection[said].append(query.query))

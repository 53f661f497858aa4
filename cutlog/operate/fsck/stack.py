"""A running stack as fsck reaches it: database as owner, NATS as operator, the store, the proofs of its services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import BlobStore, open_blobs
from cutlog.bus import Bus
from cutlog.db.connecting import open_engine
from cutlog.hosting.proof import House, Proof
from cutlog.hosting.service import installed, load
from cutlog.hosting.settings import Settings
from cutlog.operate.stack.beside import settings_beside
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.nats import OPERATOR
from cutlog.operate.stack.postgres import Postgres
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import read_state


@dataclass(frozen=True)
class Stack:
    """`log` names the service that keeps the log."""

    engine: AsyncEngine
    bus: Bus
    blobs: BlobStore
    proofs: Mapping[str, Proof]
    houses: Mapping[str, House]

    @property
    def log(self) -> str:
        return next(name for name, proof in self.proofs.items() if proof.events is not None)


@asynccontextmanager
async def reached(data: Path) -> AsyncIterator[Stack]:
    """The stack that runs on `data`. Raises NotRunning, OSError."""
    state, layout = read_state(data), Layout(data)
    secrets = Secrets(layout.secrets)
    owner = Postgres.at(layout.postgres, state.postgres_port, secrets.database("owner")).url()
    settings = {name: settings_beside(name, state) for name in installed()}
    async with connected(owner, secrets.nats(OPERATOR).seed, settings) as stack:
        yield stack


@asynccontextmanager
async def connected(owner: str, operator: str, settings: Mapping[str, Settings]) -> AsyncIterator[Stack]:
    """Some services of a stack: the database by its `owner`'s URL, NATS by the `operator`'s seed."""
    async with AsyncExitStack() as parts:

        def engine(schema: str) -> AsyncEngine:
            made = open_engine(
                owner,
                {"application_name": "cutlog fsck", "jit": "off", "search_path": schema},
                # The tables behind one statement change from one service to the next.
                arguments={"prepared_statement_cache_size": 0, "statement_cache_size": 0},
            )
            parts.push_async_callback(made.dispose)
            return made

        some = _one(settings.values())
        blobs = open_blobs(some.objects, some.file_secret.get_secret_value())
        bus = await parts.enter_async_context(await Bus.connect(some.nats_url, operator, name="fsck"))
        proofs = {name: load(name).proof for name in settings}
        houses = {name: House(engine(name), blobs, its) for name, its in settings.items()}
        yield Stack(engine("public"), bus, blobs, proofs, houses)


def _one(settings: Iterable[Settings]) -> Settings:
    """What all services are told alike."""
    return next(iter(settings))

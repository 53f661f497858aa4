"""What ops knows of media: their facts for edits, and their references for timelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.letters import Letters, shipped
from cutlog.contract.timeline import MediaRef
from services.ops.decide.media import MediaState
from services.ops.edits.size import Budget
from services.ops.edits.sources import Material
from services.ops.interchange.matching import Asset, Library, Wanted, stem
from services.ops.readmodel.sql import statement

CAPACITY: Final = 100_000
_MEDIA_STATES: Final = statement("media_states")
_MEDIA_ALIASES: Final = statement("media_aliases")
_MEDIA_WANTED: Final = statement("media_wanted")
_STATE: Final = msgspec.json.Decoder(MediaState)


class Shelf:
    """A tenant's media for one edit: those that it names, and those that the project uses already."""

    trusted = False

    def __init__(self, states: dict[str, MediaState], tenant: str, letters: Letters, budget: Budget) -> None:
        self._states, self._tenant, self._letters, self.budget = states, tenant, letters, budget

    @property
    def letters(self) -> Letters:
        """The characters that can be drawn whatever the font."""
        return self._letters

    def get(self, media: str, /) -> Material | None:
        """Facts of a media that has a live upload and is not archived; whatever a project uses is so."""
        state = self._states.get(media)
        if state is None or state.tenant != self._tenant or state.ref_count <= 0 or state.stored != "there":
            return None
        return Material(state.kind, state.facts, state.status == "failed")

    def sha256(self, media: str) -> str:
        """SHA-256 of the content, in hex. Raises KeyError."""
        return self._states[media].sha256


class Catalog:
    """Media as rows of the read model tell. Facts do not change, so edits take them from memory.

    `letters`: the characters that can be drawn whatever the font; `budgets`: how large edits of a tenant may make a
    timeline, `*` for tenants that are not named; `capacity`: how many media are remembered.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        letters: Letters | None = None,
        budgets: Mapping[str, Budget] | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._engine, self._letters, self._capacity = engine, letters or shipped(), capacity
        self._budgets = {"*": Budget()} | dict(budgets or {})
        self._states: dict[str, MediaState] = {}

    async def shelf(self, tenant: str, ids: Iterable[str], letters: Letters | None = None) -> Shelf:
        """What an edit may ask for. Ids that do not exist are left out. `letters` in place of the usual ones."""
        wanted = list(ids)
        missing = [media_id for media_id in wanted if not self._usable(media_id)]
        if missing:
            found = await self._read(tenant, missing)
            if len(self._states) + len(found) > self._capacity:
                self._states, found = {}, await self._read(tenant, wanted)
            self._states.update(found)
        return Shelf(self._states, tenant, letters or self._letters, self.budget(tenant))

    def budget(self, tenant: str) -> Budget:
        """How large edits of a tenant may make things."""
        return self._budgets.get(tenant, self._budgets["*"])

    def _usable(self, media_id: str) -> bool:
        state = self._states.get(media_id)
        return state is not None and state.stored == "there"

    async def aliases(self, tenant: str, ids: Iterable[str]) -> dict[str, str]:
        """The media that ids of other stores stand for; nothing for those of media."""
        known = self._states
        unknown = [each for each in ids if each not in known or known[each].tenant != tenant]
        if not unknown:
            return {}
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_MEDIA_ALIASES, (unknown, tenant))
            return {row.alias: row.media for row in rows}

    async def references(self, tenant: str, ids: Iterable[str]) -> dict[str, MediaRef]:
        """How media are now, with what was made from them."""
        states = await self._read(tenant, list(ids))
        self._states.update(states)
        return {
            media_id: MediaRef(
                id=media_id, sha256=state.sha256, kind=state.kind, status=state.status, facts=state.facts,
                key=state.key, renditions=state.renditions,
            )
            for media_id, state in states.items()
        }  # fmt: skip

    async def names(self, tenant: str, ids: Iterable[str]) -> dict[str, str]:
        """The file names of media, by id."""
        return {media_id: state.name for media_id, state in (await self._read(tenant, list(ids))).items()}

    async def wanted(self, tenant: str, wanted: Iterable[Wanted]) -> Library:
        """The media of a tenant that a file may mean."""
        several = list(wanted)
        names = {key for each in several for name in each.names for key in (name.casefold(), stem(name))}
        arguments = (
            tenant,
            [each.id for each in several if each.id],
            [each.sha256.lower() for each in several if each.sha256],
            sorted(name for name in names if "\0" not in name),
        )
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_MEDIA_WANTED, arguments)
            states = [(str(row.id), _STATE.decode(row.state)) for row in rows]
        return Library(
            Asset(media_id, state.sha256, state.name, Material(state.kind, state.facts, state.status == "failed"))
            for media_id, state in states
        )

    def forget(self, media_id: str) -> None:
        """A media has changed."""
        self._states.pop(media_id, None)

    async def _read(self, tenant: str, ids: list[str]) -> dict[str, MediaState]:
        if not ids:
            return {}
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_MEDIA_STATES, (ids, tenant))
            return {row.id: _STATE.decode(row.state) for row in rows}

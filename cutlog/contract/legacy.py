"""How the ops of another store are to be read: what `cutlog backfill` tells the ops service with every page."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from cutlog.contract.base import Strict


class Word(Strict):
    """What a kind of op means that only this store has: `kind` is one that docs/MIGRATION.md lists, or `look` or
    `sound` for one that is to be kept as it is and on which nothing else depends. `arguments` has our names of
    arguments by theirs, `given` further arguments that the kind implies."""

    kind: str
    arguments: dict[str, str] = msgspec.field(default_factory=dict)
    given: dict[str, Any] = msgspec.field(default_factory=dict)


class Conventions(Strict):
    """What ops of another store mean where they do not say it themselves. It is settled once for a whole store.

    `whole_film`: an op that names no clip is about the whole film, in its time; else about the only clip there is, in
    the time of its source. `time` is the unit of times under names that tell none, `volume` that of volumes; `unsure`
    when the store's own values do not tell. `words` are kinds of ops by what the store calls them; arguments that are
    `ignored` say nothing about the film.
    """

    whole_film: bool = False
    time: Literal["seconds", "milliseconds", "frames"] = "seconds"
    volume: Literal["factor", "percent", "unsure"] = "factor"
    words: dict[str, Word] = msgspec.field(default_factory=dict)
    ignored: tuple[str, ...] = ()


class Mapping(Strict):
    """What a user says of a store, for `cutlog backfill --map`: what is not said is settled by the store itself."""

    whole_film: bool | None = None
    time: Literal["seconds", "milliseconds", "frames"] | None = None
    volume: Literal["factor", "percent"] | None = None
    words: dict[str, Word] = msgspec.field(default_factory=dict)
    ignored: tuple[str, ...] = ()


NOTHING_SAID: Final = Mapping()

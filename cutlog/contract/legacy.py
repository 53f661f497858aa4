"""How the ops of another store are to be read: what `cutlog backfill` tells the ops service with every page."""

from __future__ import annotations

from typing import Literal

from cutlog.contract.base import Wire


class Conventions(Wire):
    """What ops of another store mean where they do not say it themselves. It is settled once for a whole store.

    `whole_film`: an op that names no clip is about the whole film, in its time; else about the only clip there is, in
    the time of its source. `time` is the unit of times under names that tell none, `volume` that of volumes; `unsure`
    when the store's own values do not tell.
    """

    whole_film: bool = False
    time: Literal["seconds", "milliseconds", "frames"] = "seconds"
    volume: Literal["factor", "percent", "unsure"] = "factor"

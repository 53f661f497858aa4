"""Timelines of any number of clips, and files of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import aaf2

from cutlog.contract import ops as o
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, Timeline
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from tests.interchange.histories import MEDIA, timeline_of

LENGTH: Final = 10
"""Frames of each clip."""
SOURCES: Final = 20
FPS: Final = Fps(24, 1)


def cuts(clips: int) -> Timeline:
    """So many clips in a row, with sound, dissolves between some, and speeds."""
    ops: list[o.Op] = [o.TrackAdd(track="v1", kind="video")]
    for number in range(clips):
        start = 30 + number % 200
        ops.append(
            o.ClipAdd(clip=f"c{number}", track="v1", at=number * LENGTH, media="film", start=start, end=start + LENGTH)
        )
        if number % 10 == 1:
            ops.append(
                o.TransitionAdd(
                    transition=f"t{number}", left=f"c{number - 1}", right=f"c{number}", kind="dissolve", frames=4
                )
            )
        if number % 10 == 5:
            ops.append(o.ClipReverse(clip=f"c{number}", reversed=True))
    return timeline_of(apply_all(Sequence("p", Canvas(fps=FPS)), tuple(ops), MEDIA))


def avid(clips: int, path: Path) -> None:
    """An AAF of so many clips in a row, of media in files."""
    with aaf2.open(str(path), "w") as file:
        film = file.create.CompositionMob("Film")
        film.usage = "Usage_TopLevel"
        masters = [_master(file, f"f{number}.mov") for number in range(SOURCES)]
        slot = film.create_picture_slot(24)
        slot.segment = file.create.Sequence(media_kind="picture")
        file.content.mobs.append(film)
        parts = [
            mob.create_source_clip(part.slot_id, start=number % 200, length=LENGTH, media_kind="picture")
            for number, (mob, part) in ((number, masters[number % SOURCES]) for number in range(clips))
        ]
        slot.segment["Components"].extend(parts)
        slot.segment["Length"].value = clips * LENGTH


def _master(file: aaf2.file.AAFFile, name: str) -> tuple[aaf2.mobs.MasterMob, aaf2.mobslots.TimelineMobSlot]:
    source = file.create.SourceMob(name)
    source.descriptor = file.create.ImportDescriptor()
    place = file.create.NetworkLocator()
    place["URLString"].value = f"file:///media/{name}"
    source.descriptor["Locator"].append(place)
    picture = source.create_picture_slot(24)
    picture.segment = file.create.SourceClip(media_kind="picture", length=100_000)
    master = file.create.MasterMob(name)
    slot = master.create_picture_slot(24)
    slot.segment = source.create_source_clip(picture.slot_id, start=0, length=100_000, media_kind="picture")
    file.content.mobs.extend([source, master])
    return master, slot

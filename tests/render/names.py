"""How the segments of a film of each feature are named, pinned; without files, and so without rendering anything.

Whoever changes a name makes all caches render that film anew. `make golden` writes the names anew, after a change that
was meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from cutlog.contract.media import FontFace, FontFacts, MediaFacts, Rendition, Renditions
from cutlog.contract.timeline import MediaRef, Timeline, Track
from services.render.plan.profiles import EXPORTS, PROXY, Profile
from services.render.plan.segments import plan
from tests.render.features import films
from tests.render.screening import profile
from tests.render.timelines import media, sha, timeline

NAMES: Final = Path(__file__).with_name("names.json")
ENGINE: Final = "some build of ffmpeg"
PROFILES: Final[dict[str, Profile]] = {"proxy": PROXY, **{str(name): each for name, each in EXPORTS.items()}}


class Names(msgspec.Struct, frozen=True):
    """Digests of plans: by feature, and of a film with all of them, by profile."""

    features: dict[str, str]
    profiles: dict[str, str]


def features() -> dict[str, Timeline]:
    """The films of `features.py`, of media that are nowhere."""
    still = MediaFacts(container="png_pipe", duration="0", width=64, height=64, frames=1)
    table = MediaRef(id="table", sha256=sha("table"), kind="image", status="ready", facts=still, key="videos/t/t.png")
    faces = tuple(
        FontFace(family="Sans", style=style, weight=weight) for style, weight in (("Thin", 100), ("Bold", 700))
    )
    facts = MediaFacts(container="ttf", duration="0", font=FontFacts(faces=faces, coverage="20-7e 1f600"))
    master = Rendition(key="derived/t/font.ttf", size=1, sha256=sha("master"))
    font = MediaRef(
        id="font", sha256=sha("font"), kind="font", status="ready", facts=facts, key="videos/t/f.ttf",
        renditions=Renditions(master=master),
    )  # fmt: skip
    found = films(media("sample"), table, font)
    return {f"{heading}: {name}": film for heading, named in found.items() for name, film in named.items()}


def all_in_one() -> Timeline:
    """The clips of all features with their transitions, one film after another, on as many tracks as any has."""
    tracks: dict[int, Track] = {}
    library: dict[str, MediaRef] = {}
    at = 0
    for number, film in enumerate(features().values()):
        for level, track in enumerate(film.tracks):
            clips = tuple(
                msgspec.structs.replace(clip, id=f"{clip.id}-{number}", at=clip.at + at) for clip in track.clips
            )
            transitions = tuple(
                msgspec.structs.replace(each, left=f"{each.left}-{number}", right=f"{each.right}-{number}")
                for each in track.transitions
            )
            before = tracks.get(level, Track(id=f"t{level}", kind="video"))
            tracks[level] = msgspec.structs.replace(
                before, clips=before.clips + clips, transitions=before.transitions + transitions
            )
        library |= film.media
        at += film.duration
    return timeline(*tracks.values(), library=library, size=(1280, 720))


def named() -> Names:
    """All names as they are now."""
    one = all_in_one()
    return Names(
        {name: plan(film, profile(1), ENGINE).digest for name, film in features().items()},
        {name: plan(one, each, ENGINE).digest for name, each in PROFILES.items()},
    )


def write() -> None:
    NAMES.write_bytes(msgspec.json.format(msgspec.json.encode(named()), indent=1) + b"\n")


if __name__ == "__main__":
    write()

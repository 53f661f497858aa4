"""Captions beside the picture: text in the film that costs no coded picture, and changes none."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import av
import msgspec
import pytest

from cutlog.contract.profiles import ExportProfile
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Caption, Timeline
from services.render.plan.profiles import EXPORTS
from services.render.produce.subtitles import beside
from tests.render.studio import Studio, digest
from tests.render.timelines import lane, shot, timeline
from tests.support.lanes import later
from tests.support.painting import Painter

SIZE = (320, 180)
SAID = (
    Caption(id="c1", start=3, end=10, text="a < b & c"),
    Caption(id="c2", start=8, end=20, text="über\nzwei Zeilen"),
    Caption(id="c3", start=55, end=500, text="--> 🎬"),
    Caption(id="c4", start=300, end=400, text="after the end"),
)
#: What a film says of it, in frames: captions that overlap stand together, and none outlasts the film.
HEARD = [
    (3, 8, "a < b & c"),
    (8, 10, "a < b & c\nüber\nzwei Zeilen"),
    (10, 20, "über\nzwei Zeilen"),
    (55, 60, "--> 🎬"),
]


def film(*captions: Caption, mode: str = "sidecar", version: int = 1, hidden: bool = False) -> Timeline:
    track = lane(shot(0, 2, 60, "a"), captions=captions, caption_mode=mode, name="English", hidden=hidden)
    return timeline(track, library=(), size=SIZE, version=version)


def said(path: Path, fps: float = 25) -> list[tuple[int, int, str]]:
    """The captions of a film, by frame, as a player reads them."""
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        assert stream.time_base is not None
        found = []
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None and packet.duration is not None:
                text = "\n".join(line.dialogue.decode() for line in stream.decode(packet))  # type: ignore[union-attr]
                start, end = (
                    round(time * stream.time_base * fps) for time in (packet.pts, packet.pts + packet.duration)
                )
                if text:
                    found.append((start, end, text.replace("\\N", "\n")))
        return found


def coded(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0)]


@pytest.mark.few(1, reason="renders for a second; others of its kind are in the fast lane")
@pytest.mark.parametrize("profile", ["proxy", "webm", *later("the same container as proxies", "mp4-360p", "prores")])
async def test_every_film_with_room_for_text_has_the_captions(
    studio: Studio, painted: Painter, profile: ExportProfile | Literal["proxy"]
) -> None:
    library = {"a": await studio.ingest("a", painted(25, 70, SIZE))}

    async def made(version: Timeline) -> tuple[Path, int]:
        version = msgspec.structs.replace(version, media=library)
        output = await (studio.proxy(version) if profile == "proxy" else studio.export(version, profile))
        return studio.path(output), output.encoded

    plain, _ = await made(film(mode="burn"))
    with_text, encoded = await made(film(*SAID, version=2))
    assert encoded == 0, "text costs no picture"
    assert said(with_text) == HEARD
    assert coded(with_text) == coded(plain)
    with av.open(str(with_text)) as one, av.open(str(plain)) as other:
        assert one.duration == other.duration
        assert not other.streams.subtitles
    again, _ = await made(film(*SAID, version=3))
    assert digest(again) == digest(with_text), "equal inputs make equal bytes"
    fewer, encoded = await made(film(*SAID[1:], version=4))
    assert (encoded, said(fewer)) == (0, [(8, 20, SAID[1].text), HEARD[-1]])
    without, _ = await made(film(mode="burn", version=5))
    assert coded(without) == coded(plain)


def test_only_what_is_shown_and_fits_becomes_text() -> None:
    assert [track.title for track in beside(film(*SAID), EXPORTS["mp4"])] == ["English"]
    for silent in (film(*SAID, mode="burn"), film(*SAID, hidden=True), film(), film(SAID[3])):
        assert beside(silent, EXPORTS["mp4"]) == ()
    for profile in ("gif", "audio"):
        assert beside(film(*SAID), EXPORTS[profile]) == ()


@pytest.mark.slow(reason="renders one more example of its kind")
async def test_several_tracks_keep_their_names_and_order(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 30, SIZE))
    tracks = [
        lane(shot(0, 0, 30, "a"), name="English", captions=SAID[:1], caption_mode="sidecar"),
        lane(number=1, name="Deutsch", captions=SAID[1:2], caption_mode="sidecar"),
    ]
    output = await studio.export(timeline(*tracks, library=[a], size=SIZE, fps=Fps(25, 1)), "mp4-360p")
    with av.open(str(studio.path(output))) as container:
        names = [stream.metadata["handler_name"] for stream in container.streams.subtitles]
    assert names == ["English", "Deutsch"]

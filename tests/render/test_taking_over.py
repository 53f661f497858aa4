"""A version is planned with what the version before it has: as if from nothing, and only what changed is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from cProfile import Profile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.blobs import LocalBlobs
from cutlog.blobs.store import BlobHead
from cutlog.contract.time import Fps
from cutlog.contract.timeline import MediaRef, Timeline
from services.render.audio import score as audio
from services.render.audio.score import score, scored
from services.render.plan import segments
from services.render.plan.profiles import EXPORTS, PROXY
from services.render.plan.segments import plan, planned
from services.render.produce.plans import Plans
from services.render.produce.playlist import reel
from tests.render.studio import Studio
from tests.render.timelines import lane, media, sequence, shot, solid, timeline, title
from tests.support.encoders import bundled
from tests.support.painting import Mark, Painter, read_marks

RATE = Fps(24, 1)
SMALL = (160, 90)
NONE: frozenset[str] = frozenset()


def film(shots: Sequence[tuple[int, int]], *, words: int = 100, version: int = 1) -> Timeline:
    """Shots one after the other, and a title."""
    library = [media(fps=RATE, frames=3600)]
    return timeline(
        sequence(*shots),
        lane(title(words, 48), number=1),
        library=library,
        fps=RATE,
        size=(1920, 1080),
        version=version,
    )


def looked(before: Timeline, after: Timeline) -> tuple[int, int]:
    """Spans and chunks of sound that are looked at, of the first and of what follows it; the plans must be right."""
    _, pictures = planned(before, PROXY, "engine", NONE, None)
    _, sound = scored(before, 96_000, "encoder", "filters", None)
    found, pictures = planned(after, PROXY, "engine", NONE, pictures)
    heard, sound = scored(after, 96_000, "encoder", "filters", sound)
    assert found == plan(after, PROXY, "engine")
    assert heard == score(after, 96_000, "encoder", "filters", snap=True)
    return pictures.looked, sound.looked


@pytest.mark.parametrize(
    "count",
    [400, pytest.param(10_000, marks=pytest.mark.slow(reason="plans ten thousand clips four times"))],
)
def test_after_an_edit_of_one_of_so_many_clips_at_most_20_spans_are_looked_at(count: int) -> None:
    shots = [((37 * 24 + 7) * number % 3000 + 1, 40 + number % 17) for number in range(count)]
    number = count // 3
    (start, length), others = shots[number], shots[number + 1 :]
    for edited in ((start, length - 5), (start + 3, length)):
        pictures, sound = looked(film(shots), film([*shots[:number], edited, *others]))
        assert 0 < pictures <= 20
        assert 0 < sound <= 20


_shots = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), min_size=1, max_size=12)


@given(st.lists(st.tuples(_shots, st.integers(0, 200)), min_size=2, max_size=4))
def test_whatever_was_planned_before_a_plan_is_as_if_made_from_nothing(
    versions: list[tuple[list[tuple[int, int]], int]],
) -> None:
    plans = Plans("engine", "filters")
    for number, (shots, words) in enumerate(versions, 1):
        made = film(shots, words=words, version=number)
        for profile in (PROXY, EXPORTS["mp4"]):
            assert plans.pictures(made, profile) == plan(made, profile, "engine")
            assert plans.sound(made, profile) == Plans("engine", "filters").sound(made, profile)


def test_nothing_is_taken_over_from_other_media_settings_or_canvases() -> None:
    first = film([(0, 50), (100, 50)])
    _, pictures = planned(first, PROXY, "engine", NONE, None)
    again, known = planned(first, PROXY, "engine", NONE, pictures)
    assert known.looked == 0
    proxy = first.media["v"].renditions.proxy
    assert proxy is not None
    other = msgspec.structs.replace(
        first.media["v"],
        renditions=msgspec.structs.replace(
            first.media["v"].renditions, proxy=msgspec.structs.replace(proxy, sha256="0" * 64)
        ),
    )
    replace = msgspec.structs.replace
    changed = {
        "media": (replace(first, media={"v": other}), "engine", NONE),
        "engine": (first, "another", NONE),
        "copying": (first, "engine", frozenset({proxy.sha256})),
        "canvas": (replace(first, canvas=replace(first.canvas, background="#ffffff")), "engine", NONE),
    }
    for name, (made, engine, encode) in changed.items():
        found, known = planned(made, PROXY, engine, encode, pictures)
        assert known.looked > 0, name
        assert found == plan(made, PROXY, engine, encode), name
    assert again == plan(first, PROXY, "engine")
    _, sound = scored(first, 96_000, "encoder", "filters", None)
    assert scored(first, 96_000, "encoder", "filters", sound)[1].looked == 0
    assert scored(first, 96_000, "another", "filters", sound)[1].looked > 0
    assert isinstance(sound, audio.Known)
    assert isinstance(pictures, segments.Known)


class Asked(LocalBlobs):
    """Counts how often it is asked for an object of the cache."""

    asked = 0

    async def head(self, key: str) -> BlobHead | None:
        self.asked += key.startswith("segments/")
        return await super().head(key)


@pytest.fixture
async def watched(tmp_path: Path) -> tuple[Studio, Asked]:
    blobs = Asked(tmp_path / "objects", "secret")
    return Studio(bundled(), blobs), blobs


def cuts(a: MediaRef, first: int, version: int) -> Timeline:
    shots = [(3, first), *((5 * number + 1, 12) for number in range(1, 9))]
    return timeline(sequence(*shots, of="a"), library=[a], size=SMALL, version=version)


async def test_what_this_process_made_is_not_asked_for_and_what_is_gone_is_made_anew(
    watched: tuple[Studio, Asked], painted: Painter
) -> None:
    studio, blobs = watched
    a = await studio.ingest("a", painted(25, 150, SMALL, tag=1, audio=True))
    await studio.proxy(cuts(a, 40, 1))
    blobs.asked = 0
    output = await studio.proxy(cuts(a, 33, 2))
    assert 0 < blobs.asked < 10, "what the edit needs, and receipts"
    expected = [*range(3, 36), *(5 * number + 1 + frame for number in range(1, 9) for frame in range(12))]
    assert read_marks(studio.path(output)) == [Mark(1, number) for number in expected]
    # More are gone than a join may find one by one.
    for path in (blobs.root / "segments" / "default").rglob("*.mp4"):
        path.unlink()
    again = await studio.proxy(cuts(a, 32, 3))
    assert read_marks(studio.path(again)) == [Mark(1, 3 + number) for number in range(32)] + [
        Mark(1, number) for number in expected[33:]
    ]


def test_a_playlist_takes_work_in_proportion_to_its_length() -> None:
    def calls(count: int) -> int:
        made = film([((37 * 24 + 7) * number % 3000 + 1, 240) for number in range(count)])
        profile = Profile()
        profile.runcall(reel, made, Plans("engine", "filters"))
        return sum(each.callcount for each in profile.getstats())

    assert calls(80) < 2.2 * calls(40)


def test_a_still_stretch_is_taken_over_too() -> None:
    before = timeline(lane(shot(0, 0, 50), solid(50, 100)), lane(title(60, 10), number=1))
    after = timeline(lane(shot(0, 0, 50), solid(50, 100)), lane(title(60, 10, "Other"), number=1))
    assert looked(before, after) == (1, 0)

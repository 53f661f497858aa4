"""Who plays a version while it is made begins, if he likes, with the newest edit, and does not wait for the rest."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import msgspec
import pytest

from cutlog.blobs import Blob, LocalBlobs
from cutlog.contract.keys import ProxyKey
from cutlog.contract.timeline import Timeline
from services.render.plan.newest import edited, newest_first, pieces
from services.render.plan.profiles import PROXY
from services.render.plan.segments import Encoded, Plan, plan
from services.render.produce.make import Maker
from services.render.produce.orders import Order
from tests.render.house import House
from tests.render.studio import Studio
from tests.render.timelines import lane, solid, timeline

SIZE = (64, 36)


class Noting(LocalBlobs):
    """A store that notes in which order objects come, by the names of their files without the ending."""

    def __init__(self, root: Path, secret: str) -> None:
        super().__init__(root, secret)
        self.names: list[str] = []

    async def put_bytes(self, key: str, data: bytes, *, sync: bool = True) -> Blob:
        blob = await super().put_bytes(key, data, sync=sync)
        self.names.append(PurePosixPath(key).stem)
        return blob


def film(colours: dict[int, str] | None = None, shots: int = 24, version: int = 1) -> Timeline:
    """Colours of a second each, all different; `colours` changes some."""
    plain = {number: f"#10{number:02x}40" for number in range(shots)} | (colours or {})
    clips = [solid(25 * number, 25, colour) for number, colour in plain.items()]
    return timeline(lane(*clips), size=SIZE, version=version)


def planned(timeline: Timeline) -> Plan:
    return plan(timeline, PROXY, "engine")


def starts(pictures: Plan) -> list[int]:
    """The first frame of each piece."""
    lengths = [sum(segment.frames for segment in piece) for piece in pieces(pictures)]
    return [sum(lengths[:number]) for number in range(len(lengths))]


def test_the_newest_edit_is_the_first_piece_that_shows_something_else() -> None:
    before, after = planned(film()), planned(film({7: "#ffffff"}))
    assert starts(after)[edited(after, before)] == 175
    assert edited(after, after) == 0


def test_what_closed_a_gap_is_the_newest_edit() -> None:
    clips = [solid(25 * number, 25, f"#10{number:02x}40") for number in range(24)]
    moved = [msgspec.structs.replace(clip, at=clip.at - 25) for clip in clips[6:]]
    before, after = planned(film()), planned(timeline(lane(*clips[:5], *moved), size=SIZE))
    assert starts(after)[edited(after, before)] == 125


def test_a_film_that_became_shorter_begins_with_its_last_piece() -> None:
    before, after = planned(film()), planned(film(shots=20))
    assert edited(after, before) == len(pieces(after)) - 1


def test_everything_is_made_once_from_the_newest_edit_on() -> None:
    after = planned(film({7: "#ffffff"}))
    encoded = list(after.encoded())
    order = [segment.digest for segment in newest_first(after, encoded[3:], edited(after, planned(film())))]
    assert len(order) == len(set(order)) == len(encoded) - 3
    assert order == encoded[7:] + encoded[3:7]


@pytest.mark.slow(reason="renders for seconds")
async def test_the_pictures_of_the_newest_edit_are_in_the_cache_before_older_ones(studio: Studio) -> None:
    """Neither version was made before, as when edits follow each other fast."""
    before, after = film(), film({7: "#ffffff"}, version=2)
    told: list[int] = []

    async def earlier() -> Timeline:
        told.append(1)
        return before

    key = str(ProxyKey(after.project_id, 2))
    order = Order(timeline=after, profile=PROXY, key=key, sync=False, before=earlier)
    blobs = Noting(studio.blobs.root, "secret")
    # One run of ffmpeg at a time: of several side by side, a later one may end first.
    maker = Maker(studio.ffmpeg, blobs, cores=1)
    output = await maker.make(order, studio.told.append)
    assert (output.encoded, told) == (600, [1])
    pictures = plan(after, PROXY, maker.engine)
    digests = [str(segment.digest) for segment in pictures.segments if isinstance(segment, Encoded)]
    assert len(digests) == 24
    assert [name for name in blobs.names if name in digests] == digests[7:] + digests[:7]
    # A film of which little is missing is not worth asking for the version before.
    small = film({7: "#ffffff", 2: "#808080"}, version=3)
    await maker.make(msgspec.structs.replace(order, timeline=small), studio.told.append)
    assert told == [1]


@pytest.mark.slow(reason="renders one more example of its kind")
async def test_a_playlist_begins_with_the_newest_edit_or_at_a_frame(house: House) -> None:
    project = await house.project()
    version = 0
    for number in range(4):
        op = {"op": "clip.add", "clip": f"c{number}", "track": "t", "at": 50 * number, "frames": 50, "mode": "place"}
        version = await house.edit(project, {**op, "color": f"#10{number:02x}40"})
    base = f"/api/projects/{project}/versions/{version}/proxy.m3u8"
    headers = {"Authorization": f"Bearer {house.settings.token('viewer')}"}

    async def asked(query: str) -> tuple[int, str]:
        async with house.session.get(house.settings.peers["render"] + base + query, headers=headers) as reply:
            return reply.status, await reply.text()

    async with house.render():
        await house.proxy(project, version)
        whole = (await asked(""))[1].splitlines()
        for query, first in (("?from=edit", 6), ("?from=0", 0), ("?from=49", 1), ("?from=199", 7)):
            status, text = await asked(query)
            lines = text.splitlines()
            assert status == 200
            assert f"#EXT-X-MEDIA-SEQUENCE:{first}" in lines
            # The same links: a player that has them need not fetch them again.
            assert [line for line in lines if line[0] != "#"] == [line for line in whole if line[0] != "#"][first:]
            assert lines[-1] == "#EXT-X-ENDLIST"
        status, text = await asked("?from=200")
        assert (status, msgspec.json.decode(text)["errors"][0]["pointer"]) == (422, "?from")
        for wrong in ("?from=-1", "?from=end"):
            assert (await asked(wrong))[0] == 422


@pytest.mark.parametrize("shots", [1, 2])
def test_a_short_film_has_a_piece(shots: int) -> None:
    assert starts(planned(film(shots=shots)))[0] == 0

"""Frames of a timeline on their own: as the export shows them, kept, and given only to those who may see them."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import get_args
from urllib.request import Request, urlopen

import av
import msgspec
import numpy as np
import pytest

from cutlog.contract.profiles import ExportProfile, proxy_video_args
from cutlog.web import Problem
from services.render.api.frames import accepted
from services.render.cache.packets import DamagedSegmentError
from services.render.cache.store import SegmentCache
from services.render.plan.segments import Digest
from services.render.produce.playlist import Previews, reel, text
from services.render.produce.still import FrameBeyondEndError, Picture, Still, Stills
from tests.render.house import House
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, solid, timeline, title
from tests.support.painting import Image, Mark, Painter, pictures, read_mark, read_marks
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE

slow = pytest.mark.slow(reason="renders one more example of its kind")

HD = (320, 180)
both = pytest.mark.parametrize("picture", ["jpeg", "png"])


def image(still: Still) -> Image:
    with av.open(io.BytesIO(still.data), "r") as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)


def kept(studio: Studio) -> dict[str, int]:
    """Stills in the cache, and when they were written."""
    folder = studio.blobs.root / "segments"
    return {path.name: path.stat().st_mtime_ns for kind in ("jpeg", "png") for path in folder.rglob(f"*.{kind}")}


@pytest.fixture
def stills(studio: Studio) -> Stills:
    return Stills(studio.maker, studio.blobs, slots=2)


@pytest.mark.few(1, reason="renders one more example of its kind")
@both
async def test_a_still_is_the_frame_of_the_export(
    studio: Studio, stills: Stills, painted: Painter, picture: Picture
) -> None:
    a = await studio.ingest("a", painted(25, 60, HD, tag=1))
    film = timeline(
        lane(shot(0, 20, 30, "a"), solid(30, 5, "#c04020")), lane(title(33, 2), number=1), library=[a], size=HD
    )
    export = list(pictures(studio.path(await studio.export(film))))
    for frame in (0, 17, 29, 30, 34):
        found = image(await stills.still(film, frame, None, picture))
        assert found.shape == export[frame].shape
        assert np.abs(found.astype(int) - export[frame].astype(int)).mean() < 4
    assert read_mark(image(await stills.still(film, 17, None, picture))) == Mark(1, 37)


@pytest.mark.few(1, reason="renders one more example of its kind")
@both
async def test_a_colour_is_that_colour(stills: Stills, picture: Picture) -> None:
    found = image(await stills.still(timeline(lane(solid(0, 3, "#c04020")), size=HD), 1, None, picture))
    # As near as eight bits of luma and chroma come, twice.
    assert np.abs(found.reshape(-1, 3).astype(int) - (0xC0, 0x40, 0x20)).max() <= 5


@slow
async def test_a_width_gives_the_height_and_none_is_wider_than_the_canvas(stills: Stills) -> None:
    film = timeline(lane(solid(0, 3)), size=HD)
    assert image(await stills.still(film, 0, 100, "png")).shape == (56, 100, 3)
    assert image(await stills.still(film, 0, 4000, "jpeg")).shape == (180, 320, 3)


@slow
async def test_an_equal_frame_is_drawn_once_whatever_the_version(
    studio: Studio, stills: Stills, painted: Painter
) -> None:
    a = await studio.ingest("a", painted(25, 60, HD, tag=1))
    first = await stills.still(timeline(lane(shot(0, 0, 30, "a")), library=[a], size=HD), 10, 80, "jpeg")
    files = kept(studio)
    moved = timeline(lane(solid(0, 4), shot(4, 5, 30, "a")), library=[a], size=HD, version=2)
    assert await stills.still(moved, 9, 80, "jpeg") == first
    assert kept(studio) == files
    assert (await stills.still(moved, 10, 80, "jpeg")).digest != first.digest
    assert (await stills.still(moved, 9, 81, "jpeg")).digest != first.digest
    assert (await stills.still(moved, 9, 80, "png")).digest != first.digest
    assert len(kept(studio)) == 4


@slow
async def test_a_torn_still_is_drawn_anew(studio: Studio, stills: Stills) -> None:
    film = timeline(lane(solid(0, 3)), size=HD)
    first = await stills.still(film, 0, None, "png")
    (path,) = (studio.blobs.root / "segments").rglob("*.png")
    path.write_bytes(path.read_bytes()[:40])
    assert await stills.still(film, 0, None, "png") == first


async def test_there_is_no_frame_at_the_end(stills: Stills) -> None:
    with pytest.raises(FrameBeyondEndError, match="last frame of version"):
        await stills.still(timeline(lane(solid(0, 3)), size=HD), 3, None, "jpeg")


@pytest.mark.parametrize(
    ("accept", "picture"),
    [
        ("*/*", "jpeg"),
        ("image/png", "png"),
        ("image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "jpeg"),
        ("image/jpeg;q=0.5, image/png", "png"),
        ("image/png;q=0.5, */*;q=0.1", "png"),
    ],
)
def test_the_picture_is_what_is_liked_best(accept: str, picture: str) -> None:
    assert accepted(accept) == picture


@pytest.mark.parametrize("accept", ["text/html", "image/webp", "image/*;q=0", "image/png;q=x"])
def test_what_is_not_liked_is_not_sent(accept: str) -> None:
    with pytest.raises(Problem) as refused:
        accepted(accept)
    assert refused.value.status == 406


async def ask(
    house: House,
    path: str,
    accept: str = "*/*",
    **claims: str,
) -> tuple[int, Mapping[str, str], bytes]:
    """One GET of the render service: status, headers, body."""
    token = house.settings.token("viewer", **claims)
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    url = house.settings.peers["render"] + path
    async with house.session.get(url, headers=headers, allow_redirects=False) as reply:
        return reply.status, reply.headers.copy(), await reply.read()


@slow
async def test_frames_are_given_over_http_to_those_who_may_see_the_project(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    version = await house.shot(project, "v_1", 0, 13, 43)
    path = f"/api/projects/{project}/versions/{version}/frame"
    async with house.render():
        status, headers, body = await ask(house, f"{path}?at=9&width=160")
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        found = image(Still(body, Digest("")))
        assert found.shape == (90, 160, 3)
        assert read_mark(found) == Mark(1, 22)
        status, headers, body = await ask(house, f"{path}?at=29", "image/png")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        assert read_mark(image(Still(body, Digest("")))) == Mark(1, 42)
        async with house.session.get(
            house.settings.peers["render"] + f"{path}?at=29",
            headers={"Authorization": f"Bearer {house.settings.token('viewer')}", "Accept": "image/png",
                     "If-None-Match": headers["ETag"]},
        ) as reply:  # fmt: skip
            assert reply.status == 304
        for query in ("?at=30", "?at=-1", "?at=x", "", "?at=0&width=3"):
            status, headers, body = await ask(house, path + query)
            assert (status, headers["Content-Type"]) == (422, "application/problem+json")
            pointer = "?width" if "width" in query else "?at"
            assert [error["pointer"] for error in msgspec.json.decode(body)["errors"]] == [pointer]
        assert (await ask(house, f"{path}?at=0", tenant="other"))[0] == 404
        assert (await ask(house, f"{path}?at=0", "text/html"))[0] == 406
        assert (await ask(house, path.replace(f"/{version}/", "/99/") + "?at=0"))[0] == 404
        assert (await ask(house, path.replace("p_1", "p_none") + "?at=0"))[0] == 404
        async with house.session.get(house.settings.peers["render"] + f"{path}?at=0") as reply:
            assert reply.status == 401
        await house.call("DELETE", f"/api/projects/{project}", expect=204)
        assert (await ask(house, f"{path}?at=0"))[0] == 404


@slow
async def test_a_playlist_over_the_segments_plays_every_frame_with_its_sound(
    house: House, painted: Painter, tmp_path: Path
) -> None:
    await house.upload(painted)
    project = await house.project()
    version = await house.shot(project, "v_1", 0, 13, 43)
    version = await house.shot(project, "v_1", 30, 0, 100)
    base = f"/api/projects/{project}/versions/{version}/"
    async with house.render():
        before = int(time.time())
        status, headers, body = await ask(house, base + "proxy.m3u8")
        assert (status, headers["Content-Type"]) == (200, "application/vnd.apple.mpegurl")
        expire = {int(found) for found in re.findall(rb"expires=(\d+)", body)}
        life = 6 + 600  # of 130 frames at 25 a second, and ten minutes
        assert len(expire) == 1 and before + life <= expire.pop() <= time.time() + life
        await house.proxy(project, version)
        status, _, whole = await ask(house, base + "proxy.m3u8")
        # What was told before is still there, and the rest has come.
        assert whole.startswith(body.removesuffix(b"#EXT-X-ENDLIST\n"))
        lines = whole.decode().splitlines()
        assert lines[-1] == "#EXT-X-ENDLIST"
        lengths = [float(line[8:-1]) for line in lines if line.startswith("#EXTINF:")]
        assert sum(lengths) == pytest.approx(130 / 25)
        start = next(line for line in lines if line.startswith("#EXT-X-MAP")).split('"')[1]
        film = b""
        for link in (start, *(line for line in lines if not line.startswith("#"))):
            async with house.session.get(house.settings.peers["render"] + base + link) as reply:
                assert (reply.status, reply.content_type) == (200, "video/mp4")
                assert 0 < int(reply.headers["Cache-Control"].split("max-age=")[1].split(",")[0]) <= life
                film += await reply.read()
            forged = house.settings.peers["render"] + base + link.replace("expires=1", "expires=2")
            async with house.session.get(forged) as reply:
                assert reply.status == 403
        assert (await ask(house, base + "proxy.m3u8", tenant="other"))[0] == 404
        played = tmp_path / "played.m3u8"
        address = house.settings.peers["render"] + base
        played.write_text(whole.decode().replace("segments/", address + "segments/"))
        marks, moments = await asyncio.to_thread(play, played)
    expected = [Mark(1, 13 + k) for k in range(30)] + [Mark(1, k) for k in range(100)]
    assert marks == expected
    assert moments == [Fraction(k, 25) for k in range(130)]
    path = tmp_path / "film.mp4"
    path.write_bytes(film)
    assert read_marks(path) == expected
    with av.open(str(path)) as container:
        sounds = [(frame.pts, frame.samples) for frame in container.decode(audio=0)]
    assert sounds == [(1024 * k, 1024) for k in range(len(sounds))]
    assert 0 <= len(sounds) * 1024 - 130 * 1920 < 1024


@slow
async def test_a_playlist_tells_of_what_exists_and_keeps_it_when_more_comes(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 120, HD, audio=True, tag=1))
    film = timeline(lane(shot(0, 13, 60, "a"), solid(60, 40)), library=[a], size=HD)
    found, previews = reel(film, studio.maker.plans), Previews(studio.blobs)
    links = [f"{k}.m4s" for k in range(len(found.fragments))]
    assert await previews.ready(found, "default") == 0
    await studio.proxy(film)
    assert await previews.ready(found, "default") == len(links)
    whole = text(found, len(links), links, "init.mp4")
    (*_, last) = found.pictures.encoded()
    await SegmentCache(studio.blobs, "default").forget(last)
    ready = await previews.ready(found, "default")
    assert 0 < ready < len(links)
    part = text(found, ready, links, "init.mp4")
    assert whole.startswith(part)
    assert "ENDLIST" not in part
    assert whole.endswith("#EXT-X-ENDLIST\n")
    with pytest.raises(DamagedSegmentError):
        await previews.fragment(found, "default", len(links) - 1)


@slow
async def test_an_edit_proxy_that_does_not_fit_is_not_copied_into_fragments(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 60, HD, tag=1))
    b = await studio.ingest("b", painted(25, 60, HD, tag=2))
    assert b.renditions.proxy is not None
    path = studio.blobs.path(b.renditions.proxy.key)
    other = path.with_name("other.mp4")
    args = list(proxy_video_args(Fraction(25)))
    args[args.index("main")] = "high"
    await studio.ffmpeg.run(["-i", path.name, *args, other.name], writes=path.parent)
    other.replace(path)
    film = timeline(lane(shot(0, 3, 40, "a"), shot(40, 0, 50, "b")), library=[a, b], size=HD)
    await studio.proxy(film)
    previews = Previews(studio.blobs)
    found = reel(film, studio.maker.plans)
    differing = await previews.differing(found, "default")
    assert differing == {b.renditions.proxy.sha256}
    again = reel(film, studio.maker.plans, differing)
    assert await previews.differing(again, "default") == frozenset()
    assert await previews.ready(again, "default") == len(again.fragments)


def play(playlist: Path) -> tuple[list[Mark | None], list[Fraction]]:
    """Every frame that a player of HLS shows, and when."""
    options = {"protocol_whitelist": "file,http,tcp", "allowed_extensions": "ALL", "extension_picky": "0"}
    marks, moments = [], []
    with av.open(str(playlist), "r", options=options) as container:
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            marks.append(read_mark(frame.to_ndarray(format="rgb24").astype(np.uint8)))
            moments.append(frame.pts * frame.time_base)
    return marks, [moment - moments[0] for moment in moments]


@slow
def test_the_gateway_leads_to_frames_and_playlists_and_documents_them(stack: RunningStack) -> None:
    def call(path: str, body: object = None) -> tuple[int, str, bytes]:
        headers = {"Authorization": f"Bearer {stack.token('editor')}", "Content-Type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        with urlopen(Request(f"{stack.url}{path}", data, headers), timeout=PATIENCE) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read()

    canvas = {"width": 320, "height": 180, "fps": [25, 1]}
    made = msgspec.json.decode(call("/api/projects", {"name": "Previews", "canvas": canvas})[2])
    path = f"/api/projects/{made['id']}"
    add = {"op": "clip.add", "clip": "c", "track": "t", "at": 0, "color": "#c04020", "frames": 40, "mode": "place"}
    track = {"op": "track.add", "track": "t", "kind": "video", "index": 0}
    version = msgspec.json.decode(call(f"{path}/ops", {"ops": [track, add]})[2])["version"]
    status, kind, _ = call(f"{path}/versions/{version}/frame?at=39")
    assert (status, kind) == (200, "image/jpeg")
    status, kind, playlist = call(f"{path}/versions/{version}/proxy.m3u8")
    assert (status, kind) == (200, "application/vnd.apple.mpegurl")
    link = next(line for line in playlist.decode().splitlines() if line.startswith("segments/"))
    assert call(f"{path}/versions/{version}/{link}")[:2] == (200, "video/mp4")
    documented = msgspec.json.decode(call("/api/openapi.json")[2])
    assert "/api/projects/{project}/versions/{n}/frame" in documented["paths"]
    told = msgspec.json.encode(documented).decode()
    assert [name for name in get_args(ExportProfile) if f'"{name}"' not in told] == []

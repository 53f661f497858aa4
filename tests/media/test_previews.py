"""Sheets, peaks, single frames, progress and retries; what is told of brightness beyond the ordinary."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import av
import msgspec
import numpy as np
import pytest

from cutlog.contract.media import MediaFacts
from cutlog.contract.time import Fps
from services.media.renditions.previews import index, peaks, sheet
from tests.media.conftest import Client, House
from tests.support.colors import GREEN, color_of, green, white_of_hdr
from tests.support.painting import Image, Painter, pictures, read_frame_number

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


def facts(frames: int, width: int = 1920, height: int = 1080) -> MediaFacts:
    return MediaFacts(container="mov", duration="1", width=width, height=height, fps=Fps(25, 1), frames=frames)


@pytest.mark.parametrize("frames", [1, 7, 100, 101, 12_345])
def test_a_sheet_has_at_most_a_hundred_pictures_that_cover_all_frames(frames: int) -> None:
    of = sheet(facts(frames))
    assert 1 <= of.count <= 100
    assert (of.count - 1) * of.step < frames <= of.count * of.step
    lines = index(facts(frames), "/link").splitlines()
    assert lines[0] == "WEBVTT"
    assert sum("-->" in line for line in lines) == of.count
    last = float(Fraction(frames, 25))
    assert lines[-3 if lines[-1] == "" else -2].endswith(f"{last % 60:06.3f}")


def test_peaks_are_the_same_however_the_sound_comes_in_pieces() -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, (10_001, 2), dtype=np.int16)
    raw = samples.astype("<i2").tobytes()

    def cut(size: int) -> Iterator[bytes]:
        return (raw[at : at + size] for at in range(0, len(raw), size))

    whole = peaks(cut(len(raw)), len(samples), 48_000)
    assert whole == peaks(cut(777), len(samples), 48_000)
    assert (whole.length, whole.samples_per_pixel) == (-(-10_001 // 64), 64)
    first = samples[:64]
    assert whole.data[:2] == [int(first.min()) >> 8, int(first.max()) >> 8]


async def fetch(client: Client, path: str, accept: str = "*/*") -> bytes:
    answer = await client("GET", path, headers={"Accept": accept})
    assert answer.status == 302, answer.body
    return (await client("GET", answer.headers["Location"])).raw


def picture(data: bytes) -> Image:
    with av.open(io.BytesIO(data), "r") as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


@slow
async def test_pictures_and_peaks_of_a_film_show_what_is_in_it(running: House, painted: Painter) -> None:
    clip, client = painted(25, 250, audio=True), running.client()
    video = (await client.upload(clip)).body
    await client.ready(video["id"])
    root = f"/api/videos/{video['id']}"
    of = sheet(facts(250, 160, 90))
    assert (of.count, of.step, of.width, of.height) == (84, 3, 160, 90)
    whole = picture(await fetch(client, f"{root}/sprite"))
    assert whole.shape == (90 * 9, 160 * 10, 3)
    for number in (0, 1, 9, 10, 57, 83):
        row, column = divmod(number, 10)
        tile = whole[row * 90 : (row + 1) * 90, column * 160 : (column + 1) * 160]
        assert read_frame_number(np.ascontiguousarray(tile)) == number * 3
    told = await client("GET", f"{root}/sprite", headers={"Accept": "text/vtt"})
    assert (told.status, told.headers["Content-Type"]) == (200, "text/vtt; charset=utf-8")
    cue = told.raw.decode().splitlines()[2:4]
    assert cue[0] == "00:00:00.000 --> 00:00:00.120" and cue[1].endswith("#xywh=0,0,160,90")
    for at in (0, 17, 249):
        assert read_frame_number(picture(await fetch(client, f"{root}/thumbnail?at={at}"))) == at
    beyond = await client("GET", f"{root}/thumbnail?at=250")
    assert (beyond.status, beyond.body["errors"][0]["pointer"]) == (422, "?at")
    assert await fetch(client, f"{root}/poster") == await fetch(client, f"{root}/thumbnail")
    for route in ("thumbnail", "thumbnail?at=17", "poster", "sprite", "waveform", "download"):
        there = await client("GET", f"{root}/{route}", headers={"Accept": "Application/JSON;q=0.9, text/plain"})
        assert (there.status, there.headers["Vary"]) == (200, "Accept"), route
        assert datetime.fromisoformat(there.body["expiresAt"]) > datetime.now(UTC)
        url = urlsplit(there.body["url"])
        assert url.scheme == "http" and url.netloc, "it is absolute"
        assert (await client("GET", f"{url.path}?{url.query}")).status == 200
    told_peaks = msgspec.json.decode(await fetch(client, f"{root}/waveform"))
    assert told_peaks["length"] * 2 == len(told_peaks["data"])
    assert told_peaks["samples_per_pixel"] * told_peaks["length"] >= 480_000
    assert max(told_peaks["data"]) > 20 and min(told_peaks["data"]) < -20
    assert picture(await fetch(client, f"{root}/waveform", "image/png")).shape[:2] == (120, 1200)


@slow
async def test_progress_is_told_until_a_video_is_ready(running: House, painted: Painter) -> None:
    client = running.client()
    video = (await client.upload(painted(25, 60))).body
    told = (await client("GET", f"/api/videos/{video['id']}/events")).raw.decode()
    kinds = [line.removeprefix("event: ") for line in told.splitlines() if line.startswith("event: ")]
    assert kinds[-1] == "ready" and set(kinds[:-1]) == {"progress"}
    assert (await client("GET", f"/api/videos/{video['id']}")).body["progress"] == 1.0
    assert (await client("POST", f"/api/videos/{video['id']}/retry")).status == 409


@slow
async def test_a_video_that_failed_says_why_and_is_processed_again_on_request(running: House, painted: Painter) -> None:
    client = running.client()
    video = (await client.upload(painted(25, 30))).body
    await client.ready(video["id"])
    original = running.objects / f"videos/default/{video['sha256']}.0.mp4"
    original.rename(original.with_suffix(".away"))
    await running.rows(
        "UPDATE video SET status = 'processing', derive_run = derive_run + 1, derive_at = clock_timestamp()"
    )
    failed = await client.ready(video["id"])
    assert failed["status"] == "failed" and failed["error"]
    original.with_suffix(".away").rename(original)
    again = await client("POST", f"/api/videos/{video['id']}/retry")
    assert (again.status, again.body["status"], again.body["error"]) == (202, "processing", None)
    assert (await client.ready(video["id"]))["status"] == "ready"
    assert (await running.client(tenant="other")("POST", f"/api/videos/{video['id']}/retry")).status == 404


@slow
@pytest.mark.parametrize(("curve", "name"), [("smpte2084", "pq"), ("arib-std-b67", "hlg")])
async def test_a_picture_of_high_dynamic_range_is_told_and_mapped(
    running: House, tmp_path: Path, curve: str, name: str
) -> None:
    """Reference white (203 cd/m² of BT.2408) would be grey if its code were taken as it is."""
    file = await asyncio.to_thread(white_of_hdr, tmp_path / "hdr.mp4", curve)
    client = running.client()
    video = (await client.upload(file)).body
    assert video["facts"]["hdr"] == name
    assert (await client.ready(video["id"]))["status"] == "ready"
    (proxy,) = (running.objects / "derived").rglob("proxy.mp4")
    shown = next(iter(pictures(proxy)))
    level = float(shown.mean()) / 255
    assert 0.8 < level < 0.9, level
    assert float(np.ptp(shown.reshape(-1, 3).mean(axis=0))) < 4, "white stays without a colour"


@slow
@pytest.mark.parametrize("told", [True, False], ids=["says so", "says nothing"])
async def test_small_pictures_have_the_colours_of_the_film(running: House, tmp_path: Path, told: bool) -> None:
    file = await asyncio.to_thread(green, tmp_path / "green.mp4", (1280, 720), "bt709", told=told)
    client = running.client()
    video = (await client.upload(file)).body
    await client.ready(video["id"])
    root = f"/api/videos/{video['id']}"
    for path in ("thumbnail", "thumbnail?at=7", "sprite"):
        with av.open(io.BytesIO(await fetch(client, f"{root}/{path}")), "r") as container:
            assert color_of(next(container.decode(video=0))) == pytest.approx(GREEN, abs=6), path

"""An upload is processed in slices: what is interrupted goes on where it stopped, and nothing shows that it was."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import imageio_ffmpeg
import msgspec
import numpy as np
import pytest

from cutlog.blobs import LocalBlobs
from cutlog.contract.media import Rendition
from cutlog.ffmpeg import samples
from services.media.records.videos import DERIVE_ATTEMPTS
from services.media.renditions.derive import Derive, Derived
from services.media.renditions.tracks import GaveWayError, Pace, SliceLostError
from tests.media.conftest import House
from tests.support.encoders import bundled
from tests.support.fsck import assert_sound, services
from tests.support.lanes import later
from tests.support.painting import Painter, read_frame_numbers
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="some more runs of ffmpeg of their kind")

CASES = Path(__file__).parents[1] / "corpus" / "files"


class Bench:
    """Derives from one file in a store of its own, an examination after the other."""

    def __init__(self, folder: Path, file: Path) -> None:
        self.blobs = LocalBlobs(folder / "store", "secret")
        self._derive = Derive(bundled(), self.blobs, pace=Pace(0.0, fragments=1))
        self._file, self._digest = file, hashlib.sha256(file.read_bytes()).hexdigest()
        self.interrupted = 0
        self._thumbnail: Rendition | None = None

    async def whole(self) -> Derived:
        """In one go."""
        await self._store()
        return await Derive(bundled(), self.blobs).make(self._key, "t", self._digest, 0, revision=1)

    async def piecewise(self) -> Derived:
        """By attempts each of which gives way after its first slice."""
        await self._store()

        def turn(resuming: float) -> None:
            assert resuming > 0
            raise GaveWayError

        async def shown(thumbnail: Rendition) -> None:
            self._thumbnail = thumbnail

        while True:
            try:
                return await self._derive.make(
                    self._key, "t", self._digest, 0, shown=shown, revision=2, turn=turn, thumbnail=self._thumbnail
                )
            except GaveWayError:
                self.interrupted += 1
                assert self.interrupted < 500, "each attempt adds something"

    def slices(self) -> list[Path]:
        return [path for path in self.blobs.root.rglob("stream-*") if path.suffix in (".slice", ".last")]

    def path(self, made: Rendition | None) -> Path:
        assert made is not None
        return self.blobs.path(made.key)

    @property
    def _key(self) -> str:
        return f"videos/t/{self._digest}.0{self._file.suffix}"

    async def _store(self) -> None:
        await self.blobs.put_file(self._key, self._file)


def times(path: Path) -> list[tuple[int | None, int | None, bool]]:
    """Of each picture, when it is shown and decoded, and whether it is a key frame."""
    with av.open(str(path), "r") as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        return [(packet.pts, packet.dts, packet.is_keyframe) for packet in packets]


def alike(bench: Bench, one: Derived, other: Derived) -> None:
    """Both have the same pictures at the same times, and the same samples."""
    assert one.facts == other.facts
    for name, made in one.renditions.files():
        twin = dict(other.renditions.files())[name]
        if name.partition(" ")[0] in ("proxy", "proxy_alpha"):
            assert (made.width, made.height, made.frames) == (twin.width, twin.height, twin.frames)
            pairs = [times(bench.path(each)) for each in (made, twin)]
            assert [each[:2] for each in pairs[0]] == [each[:2] for each in pairs[1]]
        elif name.partition(" ")[0] == "audio":
            assert made.samples == twin.samples
            left, right = (np.concatenate(list(samples.blocks(bench.path(each)))) for each in (made, twin))
            assert np.array_equal(left, right)


@pytest.mark.parametrize("suffix", [".mp4", *later("a container without an index", ".ts")])
async def test_whoever_goes_on_makes_what_one_attempt_would_have_made(
    tmp_path: Path, painted: Painter, suffix: str
) -> None:
    bench = Bench(tmp_path, painted(25, 60, audio=True, suffix=suffix))
    found, wanted = await bench.piecewise(), await bench.whole()
    frames = wanted.facts.frames or 0
    assert bench.interrupted >= (frames - 1) // 25, "after each second but the last"
    assert read_frame_numbers(bench.path(found.renditions.proxy)) == list(range(60)) + [59] * (frames - 60)
    alike(bench, found, wanted)
    keys = [key for *_, key in times(bench.path(found.renditions.proxy))]
    assert [at for at, key in enumerate(keys) if key] == list(range(0, frames, 25)), "seconds can be copied"


@slow
@pytest.mark.parametrize("name", ["idle-and-bursts.mp4", "cadence-3-2.mkv", "alpha-vp9.webm", "alpha-qtrle.mov",
                                  "interlaced-h264.mp4", "opengop-hevc.mp4", "h264-bframes.avi", "last-picture-3s.mp4",
                                  "one-picture-10s.mp4", "second-sound-is-default.mkv", "transparent.gif"])  # fmt: skip
async def test_so_it_is_with_every_kind_of_file(tmp_path: Path, name: str) -> None:
    bench = Bench(tmp_path, CASES / name)
    alike(bench, await bench.piecewise(), await bench.whole())


@pytest.mark.slow(reason="a hundred attempts")
async def test_what_gives_way_a_hundred_times_still_ends(tmp_path: Path, painted: Painter) -> None:
    bench = Bench(tmp_path, painted(1, 105, (64, 36)))
    found = await bench.piecewise()
    assert bench.interrupted >= 104
    assert read_frame_numbers(bench.path(found.renditions.proxy)) == list(range(105))


@slow
async def test_alpha_is_cut_like_its_pictures(tmp_path: Path, painted: Painter) -> None:
    clear = tmp_path / "clear.mov"
    keyed = ["-vf", "format=argb,geq=r='r(X,Y)':a='128+64*sin(N)'", "-c:v", "qtrle"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(painted(25, 85)), *keyed]
    await asyncio.to_thread(subprocess.run, [*command, str(clear)], check=True)
    bench = Bench(tmp_path, clear)
    found = await bench.piecewise()
    assert bench.interrupted >= 3 and found.renditions.proxy_alpha
    alike(bench, found, await bench.whole())


@slow
async def test_a_killed_attempt_loses_no_slice_that_was_stored(tmp_path: Path, painted: Painter) -> None:
    bench = Bench(tmp_path, painted(25, 110))
    await bench.piecewise()
    made = {path: path.stat().st_ino for path in bench.slices()}
    assert len(made) >= 4, "they are removed when the whole is known"
    await bench.piecewise()
    assert {path: path.stat().st_ino for path in bench.slices()} == made, "nothing is encoded twice"


@slow
async def test_slices_that_are_torn_are_made_anew(tmp_path: Path, painted: Painter) -> None:
    bench = Bench(tmp_path, painted(25, 60))
    wanted = await bench.piecewise()
    torn = bench.slices()[0]
    torn.write_bytes(torn.read_bytes()[:-1])
    with pytest.raises(SliceLostError):
        await bench.piecewise()
    alike(bench, await bench.piecewise(), wanted)


@slow
async def test_what_takes_less_than_a_slice_is_never_stored_in_part(tmp_path: Path, painted: Painter) -> None:
    bench = Bench(tmp_path, painted(25, 110, audio=True))
    await bench.whole()
    assert bench.slices() == []


@pytest.mark.slow(reason="starts media, ops, NATS and a database, and processes a long film beside a small one")
async def test_a_small_upload_is_not_kept_waiting_by_a_long_one(
    running: House, endless: Callable[[int], Path], painted: Painter
) -> None:
    greedy, other = running.client(tenant="greedy"), running.client(tenant="other")
    film = (await greedy.upload(endless(400))).body["id"]

    async def sliced() -> bool:
        return any(".slice" in key for key in running.files("derived"))

    await eventually(sliced)
    small = (await other.upload(painted(25, 50, tag=1))).body["id"]
    assert (await other.ready(small))["status"] == "ready"
    (row,) = await running.rows("SELECT status, progress FROM video WHERE id = $1", film)
    assert row["status"] == "processing" and row["progress"] < 0.9, "it is in the middle"
    ready = await greedy.ready(film)
    assert (ready["status"], ready["facts"]["frames"]) == ("ready", 400 * 25)
    (row,) = await running.rows("SELECT derive_run, derive_left, renditions FROM video WHERE id = $1", film)
    assert row["derive_run"] > 1 and row["derive_left"] == DERIVE_ATTEMPTS - 1, "giving way is no attempt"
    proxy = msgspec.json.decode(row["renditions"])["proxy"]
    assert len(times(running.objects / proxy["key"])) == proxy["frames"] == 400 * 25
    await running.tidied()
    assert not any("stream-" in key for key in running.files("derived")), "slices are removed"
    async with services(running.settings_for, "ops", "media") as parts:
        await assert_sound(parts)

"""An edit costs what it changes; what is there is never made again; what is torn is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from cutlog.blobs import LocalBlobs
from cutlog.blobs.digests import reported_digest_in
from cutlog.contract.keys import ReceiptKey
from cutlog.contract.receipts import Receipt
from cutlog.contract.time import Fps
from cutlog.contract.timeline import MediaRef, Timeline
from tests.render.studio import Studio, digest
from tests.render.timelines import lane, sequence, shot, solid, timeline, title
from tests.support.lanes import later
from tests.support.painting import Mark, Painter, read_marks
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="renders one more example of its kind")

SMALL = (160, 90)
RATE = Fps(25, 1)


@pytest.fixture
async def a(studio: Studio, painted: Painter) -> MediaRef:
    return await studio.ingest("a", painted(25, 150, SMALL, tag=1, audio=True))


def film(a: MediaRef, *shots: tuple[int, int], version: int = 1) -> Timeline:
    return timeline(sequence(*shots, of="a"), library=[a], size=SMALL, version=version)


async def test_a_proxy_copies_whole_seconds_and_encodes_the_heads_of_shots(studio: Studio, a: MediaRef) -> None:
    output = await studio.proxy(film(a, (30, 60), (75, 50)))
    assert output.encoded == 20  # up to frame 50 of the first shot; the second one begins on the grid


@slow
async def test_a_plain_clip_on_the_grid_is_copied_and_nothing_of_it_encoded(studio: Studio, a: MediaRef) -> None:
    output = await studio.proxy(film(a, (25, 110)))
    assert output.encoded == 0
    assert studio.pictures() == set()
    assert read_marks(studio.path(output)) == [Mark(1, number) for number in range(25, 135)]


async def test_the_same_timeline_again_encodes_nothing(studio: Studio, a: MediaRef) -> None:
    first = await studio.export(film(a, (3, 90)))
    assert first.encoded == 90
    made = studio.segments()
    second = await studio.export(film(a, (3, 90), version=2))
    assert second.encoded == 0
    assert second.key != first.key
    assert second.sha256 == first.sha256
    assert studio.segments() == made


async def test_after_a_trim_only_the_edge_is_encoded(studio: Studio, a: MediaRef) -> None:
    await studio.proxy(film(a, (30, 60), (10, 70), (55, 90)))
    before = set(studio.segments())
    trimmed = await studio.proxy(film(a, (30, 60), (17, 63), (55, 90), version=2))
    assert trimmed.encoded == 8  # frames 17 to 25
    sound = len(set(studio.segments()) - before) - 1
    assert 0 < sound <= 3, "around two cuts and the end"
    assert read_marks(studio.path(trimmed)) == [
        Mark(1, number) for start, frames in [(30, 60), (17, 63), (55, 90)] for number in range(start, start + frames)
    ]


@slow
async def test_a_title_costs_the_seconds_that_it_touches(studio: Studio, a: MediaRef) -> None:
    await studio.proxy(film(a, (0, 150)))
    plain = timeline(sequence((0, 150), of="a"), lane(title(60, 10), number=1), library=[a], size=SMALL, version=2)
    # From 60 to 70 with the title, and from there to the next key frame of the edit proxy.
    assert (await studio.proxy(plain)).encoded == 15


@slow
async def test_an_export_that_is_there_is_not_touched_and_a_proxy_is_the_same_in_another_file(
    studio: Studio, a: MediaRef
) -> None:
    """gc may be about to fold the proxy that is there: it deletes that file, and no other."""
    for make, untouched in ((studio.export, True), (studio.proxy, False)):
        first = await make(film(a, (3, 40)))
        before, data = await studio.blobs.head(first.key), studio.path(first).read_bytes()
        again = await make(film(a, (3, 40)))
        assert msgspec.structs.replace(first, encoded=0) == again
        assert studio.path(again).read_bytes() == data
        after = await studio.blobs.head(first.key)
        assert before is not None and after is not None
        assert (before.state == after.state) is untouched


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("damage", ["torn", "gone", "other bytes"])
async def test_a_film_that_is_not_whole_is_stitched_anew(studio: Studio, a: MediaRef, damage: str) -> None:
    first = await studio.proxy(film(a, (3, 40)))
    path = studio.path(first)
    match damage:
        case "torn":
            os.truncate(path, first.size // 2)
        case "gone":
            path.unlink()
        case _:
            path.write_bytes(b"x" * first.size)
    again = await studio.proxy(film(a, (3, 40)))
    assert again.encoded == 0
    assert again.sha256 == first.sha256 == reported_digest_in(path, again.key)


@slow
@pytest.mark.parametrize("damage", ["other bytes", *later("more ways to the same end", "torn", "empty", "gone")])
async def test_a_damaged_segment_is_made_anew(studio: Studio, a: MediaRef, damage: str) -> None:
    first = await studio.export(film(a, (0, 140)))
    segments = [
        path for path in (studio.blobs.root / "segments" / "default").rglob("*.mp4") if path.stat().st_size > 3000
    ]
    assert segments
    for path in segments:
        match damage:
            case "torn":
                os.truncate(path, path.stat().st_size // 2)
            case "empty":
                os.truncate(path, 0)
            case "gone":
                path.unlink()
            case _:
                # As long as before, with a hole: what a power cut leaves of a file that was not synced.
                with path.open("r+b") as file:
                    file.seek(path.stat().st_size // 3)
                    file.write(bytes(100))
    studio.path(first).unlink()
    again = await studio.export(film(a, (0, 140)))
    assert again.frames == 140
    assert read_marks(studio.path(again)) == [Mark(1, number) for number in range(140)]


@slow
async def test_two_that_make_the_same_film_at_once_agree(studio: Studio, a: MediaRef) -> None:
    one, two = await asyncio.gather(studio.export(film(a, (3, 120))), studio.export(film(a, (3, 120))))
    assert (one.key, one.frames) == (two.key, two.frames)
    assert digest(studio.path(one)) in {one.sha256, two.sha256}
    assert read_marks(studio.path(one)) == [Mark(1, number) for number in range(3, 123)]


async def test_the_receipt_says_what_the_film_was_made_of(studio: Studio, a: MediaRef) -> None:
    output = await studio.proxy(film(a, (30, 60)))
    receipt = msgspec.json.decode(await studio.blobs.get(str(ReceiptKey("p_1", 1, "proxy"))), type=Receipt)
    assert receipt.output == output
    assert receipt.output.sha256 == reported_digest_in(studio.path(output), output.key)
    assert receipt.encoder == studio.ffmpeg.identity
    assert "libx264" in receipt.arguments
    encoded, *copied = receipt.segments
    assert encoded in studio.segments()
    proxy = a.renditions.proxy
    assert proxy is not None
    assert copied == [f"proxy:{proxy.sha256}:50+25", f"proxy:{proxy.sha256}:75+15"]
    assert set(receipt.sound) <= set(studio.segments())


@slow
async def test_edit_proxies_of_other_settings_are_encoded_from(studio: Studio, painted: Painter, a: MediaRef) -> None:
    # As an earlier build might have made it: another profile, so other parameter sets.
    b = await studio.ingest("b", painted(25, 60, SMALL, tag=2))
    proxy = b.renditions.proxy
    assert proxy is not None
    async with studio.blobs.scratch() as folder:
        args = ["-i", str(studio.blobs.path(proxy.key)), "-c:v", "libx264", "-g", "25", "-bf", "0", "old.mp4"]
        await studio.ffmpeg.run(args, reads=[studio.blobs.path(proxy.key)], writes=folder)
        blob = await studio.blobs.put_file(proxy.key, folder / "old.mp4")
    old = msgspec.structs.replace(proxy, size=blob.size, sha256=blob.sha256)
    b = msgspec.structs.replace(b, renditions=msgspec.structs.replace(b.renditions, proxy=old))
    whole = timeline(lane(shot(0, 0, 50, "a"), shot(50, 0, 50, "b")), library=[a, b], size=SMALL)
    output = await studio.proxy(whole)
    assert output.encoded == 50
    assert read_marks(studio.path(output)) == [Mark(tag, number) for tag in (1, 2) for number in range(50)]


@slow
async def test_progress_only_grows_and_ends_with_the_whole(studio: Studio, a: MediaRef) -> None:
    await studio.export(film(a, (0, 150)))
    assert studio.told == sorted(studio.told)
    assert studio.told[-1] == 150


@slow
async def test_a_cancelled_film_leaves_nothing_unfinished(studio: Studio, a: MediaRef) -> None:
    making = asyncio.create_task(studio.export(timeline(lane(solid(0, 5000)), size=(1280, 720))))
    await eventually(lambda: len(list((studio.blobs.root / "temp").rglob("run.mp4"))) > 0)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert list((studio.blobs.root / "temp").iterdir()) == []
    assert not (studio.blobs.root / "export").exists()


SCRIPT = """
import asyncio, sys
from pathlib import Path
import msgspec
from cutlog.blobs import LocalBlobs
from cutlog.blobs.digests import reported_digest_in
from cutlog.contract.timeline import MediaRef, Timeline
from cutlog.ffmpeg import Ffmpeg
from cutlog.hosting.settings import Settings
from tests.render.studio import Studio

async def main(objects, film):
    ffmpeg = await Ffmpeg.find(Settings(data=Path(objects)))
    await Studio(ffmpeg, LocalBlobs(Path(objects), "secret")).export(msgspec.json.decode(film, type=Timeline))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow(reason="a process is killed amid a long film")
async def test_a_worker_that_is_killed_leaves_its_segments_to_the_next(studio: Studio, painted: Painter) -> None:
    rate = Fps(5, 1)
    a = await studio.ingest("a", painted(5, 400, SMALL, tag=1))
    whole = timeline(sequence((2, 390), of="a"), library=[a], fps=rate, size=(1280, 720))
    command = [sys.executable, "-c", SCRIPT, str(studio.blobs.root), msgspec.json.encode(whole).decode()]
    worker = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2])
    try:
        await eventually(lambda: len(studio.pictures()) >= 4)
    finally:
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    left = studio.segments()
    output = await studio.export(whole)
    assert 0 < output.encoded < 390
    assert {name: written for name, written in studio.segments().items() if name in left} == left
    assert read_marks(studio.path(output)) == [Mark(1, number) for number in range(2, 392)]
    assert await LocalBlobs(studio.blobs.root, "secret").sweep() >= 0
    assert list((studio.blobs.root / "temp").iterdir()) == []


@slow
async def test_a_film_whose_segments_are_collected_while_it_is_made_is_made_whole(studio: Studio, a: MediaRef) -> None:
    whole = await studio.export(film(a, (3, 90), (20, 60)), "mp4-360p")
    studio.path(whole).unlink()
    swept = 0

    async def collect() -> None:
        """What a plan may let go that was made before the film was wanted: all that is there, again and again."""
        nonlocal swept
        for _ in range(3):
            await eventually(lambda: studio.segments(), every=0.001)
            for path in (studio.blobs.root / "segments").rglob("*.mp4"):
                path.unlink()
                swept += 1

    again = msgspec.structs.replace(film(a, (3, 90), (20, 60)), version=2)
    _, made = await asyncio.gather(collect(), studio.export(again, "mp4-360p"))
    assert swept > 0
    assert read_marks(studio.path(made)) == [Mark(1, number) for number in (*range(3, 93), *range(20, 80))]

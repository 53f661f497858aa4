"""Segments are read by their sample tables as a demuxer reads them."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import cast

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.profiles import ExportProfile
from cutlog.contract.time import Fps
from services.render.cache import boxes
from services.render.cache.packets import Packet, Parameters, read_film, unseal
from tests.hostile.files import box as made
from tests.render.studio import Studio
from tests.render.timelines import sequence, timeline
from tests.support.painting import Painter

RATE = Fps(30000, 1001)


def demuxed(data: bytes) -> tuple[Parameters, list[Packet]]:
    """What a demuxer finds in a segment, in frames."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        unit = stream.time_base * RATE.fraction
        packets = [
            Packet(bytes(each), round(cast(int, each.pts) * unit), round(cast(int, each.dts) * unit), each.is_keyframe)
            for each in container.demux(stream)
            if each.size
        ]
        context = stream.codec_context
        return Parameters(bytes(context.extradata or b""), context.width, context.height, -packets[0].dts), packets


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@pytest.mark.parametrize("profile", ["mp4", "mp4-hevc", "webm", "prores", "prores-4444"])
async def test_a_segment_is_read_as_a_demuxer_reads_it(
    studio: Studio, painted: Painter, profile: ExportProfile
) -> None:
    a = await studio.ingest("a", painted(RATE.fraction, 40, (160, 90)))
    await studio.export(timeline(sequence((3, 30), of="a"), library=[a], fps=RATE, size=(160, 90)), profile)
    names = studio.pictures()
    assert names
    for name in names:
        data = unseal((studio.blobs.root / "segments" / "default" / name[:2] / f"{name}.mp4").read_bytes())
        film = read_film(data, RATE)
        parameters, packets = demuxed(data)
        assert list(film.packets) == packets
        if profile != "webm":  # libavformat makes no header of a vpcC
            assert film.parameters == parameters
        assert film.parameters.delay == parameters.delay
        if profile == "mp4":
            assert parameters.delay > 0, "there are pictures that are decoded before they are shown"


@pytest.fixture(scope="module")
def chunk() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="stereo")
        for _ in range(20):
            frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            frame.sample_rate = 48_000
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def test_sound_is_read_as_a_demuxer_reads_it(chunk: bytes) -> None:
    with av.open(io.BytesIO(chunk), "r") as container:
        assert [bytes(each) for each in container.demux(audio=0) if each.size] == list(boxes.packets(chunk))


@given(st.data())
def test_what_is_no_such_file_is_an_error_and_nothing_else(chunk: bytes, data: st.DataObject) -> None:
    torn = bytearray(chunk)
    for _ in range(data.draw(st.integers(1, 4))):
        torn[data.draw(st.integers(0, len(torn) - 1))] = data.draw(st.integers(0, 255))
    del torn[data.draw(st.integers(0, len(torn))) :]
    try:
        found = list(boxes.packets(bytes(torn)))
    except (boxes.BrokenBoxError, struct.error):
        return
    assert sum(map(len, found)) <= len(torn)


def test_a_box_is_found_by_its_path(tmp_path: Path, chunk: bytes) -> None:
    start, end = boxes.box(chunk, b"moov", b"trak", b"tkhd") or (0, 0)
    assert chunk[start - 4 : start] == b"tkhd"
    assert end - start == 84
    assert boxes.box(chunk, b"moov", b"mdat") is None


def test_a_segment_without_pictures_is_broken() -> None:
    empty = made(b"stsz", bytes(12))
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        empty = made(kind, empty)
    empty += made(b"mdat")
    assert list(boxes.packets(empty)) == []
    with pytest.raises(boxes.BrokenBoxError):
        read_film(empty, RATE)

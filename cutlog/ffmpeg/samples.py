"""The samples of sounds as ingest keeps them: FLAC in MP4, whose packets say which samples they hold, so that any can
be read without those before it; or, of releases up to 0.1, bare PCM, s16le. Both are stereo at 48 kHz.

Sounds are files of our own making; what users sent is never opened here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from cutlog.contract.profiles import CHANNELS, SAMPLE_RATE

Samples = NDArray[np.int16]
"""Samples × channels."""

#: Bytes of a sample of PCM, both channels.
_WIDTH: Final = 2 * CHANNELS
#: Samples of PCM that are read at once.
_BLOCK: Final = 1 << 18


class DamagedSoundError(Exception):
    """The file of a sound is not as it was written."""


def length(path: Path) -> int:
    """Samples of a sound. Raises DamagedSoundError."""
    if not _packed(path):
        return path.stat().st_size // _WIDTH
    with _opened(path) as (_, stream):
        return 0 if stream is None else stream.duration or 0


def read(path: Path, start: int, count: int) -> Samples:
    """So many samples from a position on; silence where the sound has none. Raises DamagedSoundError."""
    out = np.zeros((count, CHANNELS), np.int16)
    for at, block in _blocks(path, max(0, start), start + count):
        first, last = max(start, at), min(start + count, at + len(block))
        out[first - start : last - start] = block[first - at : last - at]
    return out


def blocks(path: Path) -> Iterator[Samples]:
    """All samples, some at a time. Raises DamagedSoundError."""
    return (block for _, block in _blocks(path, 0, None))


def _blocks(path: Path, start: int, end: int | None) -> Iterator[tuple[int, Samples]]:
    """Blocks that hold samples of a range, each with the position of its first."""
    if end is not None and end <= start:
        return
    if not _packed(path):
        whole = path.stat().st_size // _WIDTH
        for at in range(start, whole if end is None else min(end, whole), _BLOCK):
            block = np.fromfile(path, "<i2", _BLOCK * CHANNELS, offset=at * _WIDTH)
            yield at, block[: len(block) // CHANNELS * CHANNELS].reshape(-1, CHANNELS)
        return
    with _opened(path) as (container, stream):
        whole = 0 if stream is None else stream.duration or 0
        end = whole if end is None else min(end, whole)
        if stream is None or start >= end:
            return
        container.seek(start, stream=stream)
        for frame in container.decode(stream):
            assert frame.pts is not None, "each packet of an MP4 has its time"
            if frame.pts + frame.samples > start:
                yield frame.pts, cast(Samples, frame.to_ndarray()).reshape(-1, CHANNELS)
            if frame.pts + frame.samples >= end:
                return
    raise DamagedSoundError(f"{DamagedSoundError.__doc__} {path.name} ends too early.")


def _packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _boxes(path: Path) -> int:
    """Where the boxes of an MP4 end, by their own word."""
    at = 0
    with path.open("rb") as file:
        while len(size := file.read(4)) == 4 and (at := at + max(8, int.from_bytes(size))):
            file.seek(at)
    return at


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, AudioStream | None]]:
    """The container and its sound; None if there is no sample in it."""
    try:
        with av.open(str(path), "r", format="mp4") as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None and path.stat().st_size != _boxes(path):
                raise DamagedSoundError(f"{DamagedSoundError.__doc__} {path.name} ends too early.")
            if stream is not None:
                # Threads would wait for one another: a packet is decoded faster than handed over.
                cast(Any, stream.codec_context).thread_count = 1
                if stream.time_base is None or stream.time_base.denominator != SAMPLE_RATE:
                    raise DamagedSoundError(f"{DamagedSoundError.__doc__} {path.name}")
            yield container, stream
    except av.FFmpegError as error:
        raise DamagedSoundError(f"{DamagedSoundError.__doc__} {path.name}: {error}") from error

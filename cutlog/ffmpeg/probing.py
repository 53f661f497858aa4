"""What is in a file, as a confined child reads it with PyAV. Raw: nothing is judged or derived here.

Times are integers in the stream's `time_base` ([num, den] seconds); rates are [num, den] per second.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from cutlog.ffmpeg import process
from cutlog.ffmpeg.allow import DECODERS, DEMUXERS, PROTOCOLS
from cutlog.ffmpeg.errors import MediaRefusedError, NotExaminedError
from cutlog.ffmpeg.examine import BESIDE, UNSEEN
from cutlog.ffmpeg.limits import Limits
from cutlog.ffmpeg.sandbox import Jail, Room
from cutlog.ffmpeg.scripts import interpreter, package

log = structlog.get_logger(__name__)

EXAMINER = Path(__file__).with_name("examine.py")
PICTURES = Path(__file__).with_name("pictures.py")
MAX_REPORT = 1 << 20
PAUSES = (0.2, 1.0)
"""Seconds before a file that could not be looked at is tried again."""

Ratio = tuple[int, int]


class RawVideo(msgspec.Struct, frozen=True, kw_only=True):
    """`sar` is None when unknown. `rotation`: how far a player turns the picture clockwise, in degrees. `interlaced`:
    its pictures are two fields each, of which the top one is shown first unless `bottom_first`. `alpha`: they are
    transparent somewhere, as who read them all found; `matte`: over which colour alpha was multiplied into theirs."""

    width: int
    height: int
    sar: Ratio | None
    rotation: int
    average_rate: Ratio | None
    base_rate: Ratio | None
    pix_fmt: str | None
    interlaced: bool
    bottom_first: bool = False
    color_range: int
    color_primaries: int
    color_trc: int
    colorspace: int
    alpha: bool = False
    matte: Literal["black", "white"] | None = None


class RawAudio(msgspec.Struct, frozen=True, kw_only=True):
    """`places`: ffmpeg's name of where each channel is heard, `NONE` where the file says nothing of it."""

    channels: int
    layout: str
    sample_rate: int
    places: tuple[str, ...] = ()


class RawTimes(msgspec.Struct, frozen=True, kw_only=True):
    """From all packets that are shown: how many, the first and last presentation time, where the last one ends.

    `gaps` are the commonest distances between neighbours, with their counts; `shortest` and `longest` of all, and
    `brisk` the shortest but for one in fifty. `grids`: usual rates at which each picture of an irregular stream begins
    with a frame of its own.
    `read` counts packets that are not shown too, `decoding` is when the first one is decoded. A picture is shown up to
    `lead` after it is decoded; decoding that begins at a key frame yields pictures `recovery` after it. `counted`: the
    times are those of decoding. `moved`: pictures are shown so much later than the times say, but sound is not.
    """

    packets: int
    first: int
    last: int
    end: int
    gaps: tuple[tuple[int, int], ...]
    shortest: int
    longest: int
    key_frames: int
    brisk: int = 0
    grids: tuple[Ratio, ...] = ()
    read: int = 0
    decoding: int | None = None
    lead: int = 0
    recovery: int = 0
    counted: bool = False
    moved: int = 0

    @property
    def typical(self) -> int:
        """The commonest distance between neighbours; 0 for a single packet."""
        return self.gaps[0][0] if self.gaps else 0


class RawStream(msgspec.Struct, frozen=True, kw_only=True):
    """`decoder` is None when there is none. `decoded`: one picture or one piece of sound came out of it, of the time
    `first`. `type` is ffmpeg's word for what it carries. `single`: it is no more than one still picture."""

    index: int
    kind: Literal["video", "audio", "other"]
    codec: str
    decoder: str | None
    time_base: Ratio | None
    start: int | None
    duration: int | None
    frames: int
    attached: bool
    default: bool
    decoded: bool
    type: str = "data"
    language: str | None = None
    single: bool = False
    first: int | None = None
    video: RawVideo | None = None
    audio: RawAudio | None = None
    times: RawTimes | None = None

    def seconds(self, ticks: int) -> Fraction:
        num, den = self.time_base or (1, 1)
        return Fraction(ticks * num, den)


class RawProbe(msgspec.Struct, frozen=True, kw_only=True):
    """`container` is ffmpeg's name of the format, or `heif` or `avif`; `duration` in microseconds. `foreign`: ffmpeg
    does not show it as a viewer does, so it has to be rewritten first. `animated`: a foreign picture that moves.
    `gain_map`: it has one, by which displays with a high dynamic range brighten it; it is ignored."""

    container: str
    duration: int | None
    streams: tuple[RawStream, ...]
    foreign: bool = False
    animated: bool = False
    gain_map: bool = False


class _Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the child prints: one of the two."""

    found: RawProbe | None = None
    refused: str | None = None


Reads = Callable[[], tuple[Path, ...]]


@cache
def examining() -> tuple[Path, ...]:
    """What the child reads to start: the interpreter, PyAV and Pillow with their libraries, the scripts."""
    pyav = package("av")
    beside = (EXAMINER.with_name(f"{name}.py") for name in BESIDE)
    return (
        *interpreter(),
        *(path for path in (pyav, pyav.with_name("av.libs"), EXAMINER, *beside, *pillow_needs()) if path.exists()),
    )


@cache
def pillow() -> tuple[Path, ...]:
    """What pictures.py is given: folders and files of packages, in the order in which they are loaded."""
    spec = importlib.util.find_spec("_pillow_heif")
    assert spec is not None, "pillow-heif is installed"
    assert spec.origin is not None
    return package("PIL"), Path(spec.origin).resolve(), package("pillow_heif")


def pillow_needs() -> tuple[Path, ...]:
    """What pictures.py reads to start, beside the interpreter."""
    site = package("PIL").parent
    libraries = (site / "pillow.libs", package("pillow_heif").parent / "pillow_heif.libs")
    return (*pillow(), *(path for path in libraries if path.exists()), PICTURES)


async def probe(
    jail: Jail, path: Path, *, times: bool, limits: Limits, pauses: Sequence[float] = PAUSES, reads: Reads = examining
) -> RawProbe:
    """Raises MediaRefusedError, FileNotFoundError; NotExaminedError when the child comes to nothing again and again, as
    in a machine so busy that the sandbox does not see to it in time. `pauses`: seconds before each further attempt;
    `reads`: what the child may read beside the file."""
    for pause in pauses:
        try:
            return await _probe(jail, path, reads, times=times, limits=limits)
        except NotExaminedError as error:
            log.warning("probe.failed", why=str(error))
            await asyncio.sleep(pause)
    return await _probe(jail, path, reads, times=times, limits=limits)


async def _probe(jail: Jail, path: Path, reads: Reads, *, times: bool, limits: Limits) -> RawProbe:
    needs = await asyncio.to_thread(reads)
    argv = [
        str(Path(sys.executable).resolve()), "-I", "-S", "-B", str(EXAMINER), str(package("av")), str(path),
        "times" if times else "quick", PROTOCOLS, ",".join(DEMUXERS), ",".join(DECODERS),
        *map(str, pillow()),
    ]  # fmt: skip
    printed = bytearray()

    def take(chunk: bytes) -> None:
        printed.extend(chunk)
        if len(printed) > MAX_REPORT:
            raise MediaRefusedError("the file has too many streams")

    ended = await process.run(jail, argv, Room((*needs, path)), limits, take)
    if ended.code != 0 and (not printed or ended.code == UNSEEN):
        raise NotExaminedError(f"probing ended with {ended.code}: {ended.log.strip()[-300:]}")
    if ended.late:
        raise MediaRefusedError(f"the file could not be read within {limits.seconds:g} seconds")
    if ended.code != 0:
        raise MediaRefusedError(f"reading the file ended with {ended.code}: {ended.log.strip()[-300:]}")
    report = msgspec.json.decode(bytes(printed), type=_Report)
    if report.found is None:
        raise MediaRefusedError(report.refused or "the file is not media")
    return report.found


async def rewrite(jail: Jail, path: Path, folder: Path, name: str, limits: Limits) -> None:
    """Writes a foreign picture as PNG or APNG to `name` in the folder. Raises MediaRefusedError,
    NotExaminedError."""
    needs = await asyncio.to_thread(interpreter)
    argv = [str(needs[0]), "-I", "-S", "-B", str(PICTURES), str(path), name, *map(str, pillow())]
    room, printed = Room((*needs, *pillow_needs(), path), folder), bytearray()
    ended = await process.run(jail, argv, room, limits, printed.extend)
    if ended.late:
        raise MediaRefusedError(f"the image could not be decoded within {limits.seconds:g} seconds")
    said = ended.log.strip().splitlines()[-1:] or ["it said nothing"]
    if ended.code != 0 and not printed:
        raise NotExaminedError(f"converting an image ended with {ended.code}: {said[0][:300]}")
    if ended.code != 0:
        raise MediaRefusedError(f"the image can't be decoded: {said[0][:300]}")

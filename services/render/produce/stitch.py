"""Joins segments and chunks into one film: packets are copied, their times made anew from whole frames and samples."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import TypeAlias, assert_never, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import Fps
from services.render.audio.blocks import FRAME
from services.render.audio.score import Chunk, Score
from services.render.cache import boxes
from services.render.cache.packets import (
    MUXER_OPTIONS,
    BrokenFilmError,
    DamagedSegmentError,
    Film,
    Parameters,
    TornSegmentError,
    like,
    moved,
    parameters,
    read_film,
    ticks,
    timed,
    unseal,
)
from services.render.errors import RenderError
from services.render.plan.profiles import PROXY, Profile
from services.render.plan.segments import Copied, Digest, Encoded, Plan
from services.render.produce.finish import encoded
from services.render.produce.subtitles import Subtitles, texts

Coded: TypeAlias = "av.Packet[AudioStream] | av.Packet[VideoStream]"
Text: TypeAlias = "av.Packet[SubtitleStream]"

#: The sealed bytes of a segment or chunk. Raises FileNotFoundError.
Read = Callable[[Digest], bytes]


class ParametersDifferError(RenderError):
    """An edit proxy was encoded with other settings than its neighbours: its packets can't be copied."""

    def __init__(self, sources: frozenset[str]) -> None:
        super().__init__(f"{self.__doc__} SHA-256: {', '.join(sorted(sources))}")
        self.sources = sources


def stitch(
    plan: Plan,
    score: Score,
    read: Read,
    proxies: Mapping[str, Path],
    out: Path,
    profile: Profile = PROXY,
    pcm: Path | None = None,
    subtitles: Sequence[Subtitles] = (),
) -> None:
    """Writes the film to `out`: its index first, every frame k at exactly k / fps, the sound as long as the picture.

    Times in WebM are whole milliseconds, as near as can be. `proxies` has the edit proxies that the plan copies from,
    by SHA-256; `pcm` the whole sound as float32, for profiles that don't keep it as AAC. `subtitles` become tracks of
    text. Equal inputs make equal bytes.
    Raises ParametersDifferError, DamagedSegmentError, BrokenFilmError.
    """
    timescale, _ = ticks(plan.fps)
    with ExitStack() as opened:
        pictures = opened.enter_context(pictures_of(plan, read, proxies)) if profile.pictures else None
        aac = profile.sound == "aac"
        audio_like = opened.enter_context(opened_segment(read, score.chunks[0].digest)) if aac else None
        muxer = "mp4" if profile.container == "gif" else profile.container
        film = opened.enter_context(av.open(str(out), "w", format=muxer, options=_options(muxer, timescale)))
        frames: Iterator[Coded] = iter(())
        if pictures is not None:
            video = like(film, pictures.template)
            if plan.alpha and muxer == "webm":
                # Players look for a second picture beside each only where the track says that it has alpha.
                video.codec_context.pix_fmt = "yuva420p"
            video.time_base = Fraction(1, timescale)
            frames = pictures.coded(video)
        sounds: Iterator[Coded] = iter(())
        if audio_like is not None:
            audio = film.add_stream_from_template(audio_like.streams.audio[0])
            audio.time_base = Fraction(1, SAMPLE_RATE)
            sounds = _sounds(score, read, audio)
        elif pcm is not None and profile.sound is not None:
            audio = film.add_stream(profile.sound, rate=SAMPLE_RATE, layout="stereo")
            audio.bit_rate = score.bitrate
            audio.time_base = Fraction(1, SAMPLE_RATE)
            sounds = encoded(pcm, score.samples, audio)
        coded = interleaved(frames, sounds, timescale)
        for packet in _before(texts(film, subtitles, profile.container, plan.fps), coded) if subtitles else coded:
            film.mux(packet)


def _options(muxer: str, timescale: int) -> dict[str, str]:
    if muxer == "webm":
        return {**MUXER_OPTIONS, "cues_to_front": "1"}
    return {
        **MUXER_OPTIONS,
        "movflags": "+faststart",
        "video_track_timescale": str(timescale),
        # Edit lists are in this unit: with milliseconds, sound and picture would end at different moments.
        "movie_timescale": str(lcm(timescale, SAMPLE_RATE)),
    }


class _Pictures:
    """All coded pictures of a plan."""

    def __init__(self, plan: Plan, read: Read, proxies: Mapping[str, InputContainer], template: VideoStream) -> None:
        self.template = template
        self._plan = plan
        self._read = read
        self._reels = {source: _Reel(container) for source, container in proxies.items()}
        self._last: tuple[Digest, Film] | None = None

    def coded(self, stream: VideoStream, base: int = 0) -> Iterator[av.Packet[VideoStream]]:
        """In order, for the stream of a muxer; the first is frame `base`."""
        fps = self._plan.fps
        expected: Parameters | None = None
        for segment in self._plan.segments:
            match segment:
                case Copied(source=source, first=first, frames=frames):
                    for number, packet in enumerate(self._reels[source.sha256].take(first, frames), base):
                        yield moved(packet, number, number, stream, fps)
                case Encoded(digest=digest, frames=frames):
                    film = self._film(digest)
                    expected = expected or film.parameters
                    if len(film.packets) != frames or film.parameters != expected:
                        raise DamagedSegmentError(digest)
                    for each in film.packets:
                        yield timed(each, stream, fps, base)
                case _:
                    assert_never(segment)
            base += segment.frames

    def _film(self, digest: Digest) -> Film:
        # A still stretch repeats one segment over and over.
        if self._last is None or self._last[0] != digest:
            self._last = digest, _film(self._read, digest, self._plan.fps)
        return self._last[1]


class _Reel:
    """An edit proxy being read: from one part to the next without seeking where they follow each other."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self._stream = container.streams.video[0]
        assert self._stream.time_base is not None, "an MP4 stream has a time base"
        assert self._stream.average_rate is not None, "an edit proxy has a constant rate"
        self._unit = self._stream.time_base * self._stream.average_rate
        self._demuxed: Iterator[av.Packet[VideoStream]] = iter(())
        self._at: int | None = None

    def take(self, first: int, frames: int) -> Iterator[av.Packet[VideoStream]]:
        """Frames [first, first + frames), counted from 0. Raises BrokenFilmError."""
        if self._at != first:
            self._container.seek(round(first / self._unit), stream=self._stream)
            self._demuxed = self._container.demux(self._stream)
        num, den = self._unit.numerator, self._unit.denominator
        for number in range(first, first + frames):
            packet = next(self._demuxed, None)
            # Nearer to this frame than to its neighbours; in whole numbers, since there are very many packets.
            if packet is None or packet.pts is None or 2 * abs(packet.pts * num - number * den) >= den:
                raise BrokenFilmError(f"an edit proxy lacks frame {number}")
            if number == first and not packet.is_keyframe:
                raise BrokenFilmError(f"frame {number} of an edit proxy is no key frame")
            yield packet
        self._at = first + frames


@contextmanager
def pictures_of(plan: Plan, read: Read, proxies: Mapping[str, Path]) -> Iterator[_Pictures]:
    """The pictures, once all parameters have been found equal. Raises ParametersDifferError."""
    with ExitStack() as opened:
        reels = {source: opened.enter_context(_open(proxies[source])) for source in plan.copied()}
        found = {source: parameters(reel.streams.video[0], 0) for source, reel in reels.items()}
        encoded = next(iter(plan.encoded()), None)
        if encoded is not None:
            template = opened.enter_context(opened_segment(read, encoded)).streams.video[0]
            expected = _film(read, encoded, plan.fps).parameters
        else:
            first = next(iter(reels))
            template, expected = reels[first].streams.video[0], found[first]
        if differing := frozenset(source for source, its in found.items() if its != expected):
            raise ParametersDifferError(differing)
        yield _Pictures(plan, read, reels, template)


def _sounds(score: Score, read: Read, stream: AudioStream) -> Iterator[Coded]:
    """All packets of sound. The first holds what the encoder made before sample 0; players skip it by its time."""
    for number, packet in sounds_of(score.chunks, read, stream):
        packet.duration = min(FRAME, score.samples - (number - 1) * FRAME)
        yield packet


def sounds_of(chunks: Sequence[Chunk], read: Read, stream: AudioStream) -> Iterator[tuple[int, av.Packet[AudioStream]]]:
    """The packets of chunks, with their numbers in the film, for a muxer. Raises DamagedSegmentError."""
    unit = Fraction(1, SAMPLE_RATE)
    for chunk in chunks:
        with _damage_named(chunk.digest):
            found = list(boxes.packets(_intact(read, chunk.digest)))
        if len(found) != chunk.stored:
            raise DamagedSegmentError(chunk.digest)
        for number, data in enumerate(found[chunk.skipped :][: chunk.packets], chunk.first):
            packet = cast("av.Packet[AudioStream]", av.Packet(data))
            packet.stream = stream
            packet.time_base = unit
            packet.pts = packet.dts = (number - 1) * FRAME
            packet.duration = FRAME
            packet.is_keyframe = True
            yield number, packet


def interleaved(pictures: Iterator[Coded], sounds: Iterator[Coded], timescale: int) -> Iterator[Coded]:
    """Both in order of time, sound first where they begin together. Sound counts samples."""
    sound = next(sounds, None)
    for picture in pictures:
        until = (picture.dts or 0) * SAMPLE_RATE // timescale
        while sound is not None and (sound.dts or 0) <= until:
            yield sound
            sound = next(sounds, None)
        yield picture
    if sound is not None:
        yield sound
        yield from sounds


def _before(lines: Iterator[Text], coded: Iterator[Coded]) -> Iterator[Coded | Text]:
    """Each line of text just before the first packet that is not earlier."""
    line = next(lines, None)
    for packet in coded:
        while line is not None and _moment(line) <= _moment(packet):
            yield line
            line = next(lines, None)
        yield packet
    if line is not None:
        yield line
        yield from lines


def _moment(packet: Coded | Text) -> Fraction:
    return cast(int, packet.dts) * packet.time_base


def _intact(read: Read, digest: Digest) -> bytes:
    """The MP4 of a segment. Raises DamagedSegmentError."""
    try:
        return unseal(read(digest))
    except (TornSegmentError, FileNotFoundError) as error:
        raise DamagedSegmentError(digest) from error


def _film(read: Read, digest: Digest, fps: Fps) -> Film:
    """A segment's pictures. Raises DamagedSegmentError."""
    with _damage_named(digest):
        return read_film(_intact(read, digest), fps)


@contextmanager
def _damage_named(digest: Digest) -> Iterator[None]:
    """What can't be read is a damaged segment."""
    try:
        yield
    except (boxes.BrokenBoxError, struct.error) as error:
        raise DamagedSegmentError(digest) from error


def opened_segment(read: Read, digest: Digest) -> InputContainer:
    """A segment or chunk, to be closed. Raises DamagedSegmentError."""
    return _open(_intact(read, digest))


def _open(film: Path | bytes) -> InputContainer:
    return av.open(str(film) if isinstance(film, Path) else io.BytesIO(film), "r", format="mp4")

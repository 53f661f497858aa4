"""A version as HLS: a playlist over its proxy segments, playable from when the first of them exist.

A fragment holds the packets of about a second, copied from the segments and from the chunks of sound, under the times
that they have in the whole. See RFC 8216.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import msgspec

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import samples_at
from cutlog.contract.timeline import Timeline
from services.render.audio.blocks import FRAME
from services.render.audio.score import Score
from services.render.cache import boxes
from services.render.cache.packets import MUXER_OPTIONS, BrokenFilmError, like, ticks
from services.render.cache.store import Index, SegmentCache
from services.render.plan.newest import pieces
from services.render.plan.profiles import PROXY
from services.render.plan.segments import Copied, Digest, Encoded, Plan, Segment
from services.render.produce.plans import Plans
from services.render.produce.receipts import film_digest
from services.render.produce.stitch import (
    ParametersDifferError,
    Read,
    interleaved,
    opened_segment,
    pictures_of,
    sounds_of,
)


class Fragment(msgspec.Struct, frozen=True):
    """Frames [first, first + frames) of a film, made of `segments`, with the packets [sound, silence) of its sound."""

    first: int
    frames: int
    segments: tuple[Segment, ...]
    sound: int
    silence: int

    def needs(self, sounds: Score) -> set[Digest]:
        """What must be in the cache."""
        chunks = (sounds.chunks[0], *sounds.holding(self.sound, self.silence))
        return {part.digest for part in self.segments if isinstance(part, Encoded)} | {part.digest for part in chunks}


class Reel(msgspec.Struct, frozen=True):
    """A whole film as fragments; `digest` names it. Nothing of it is copied from the edit proxies in `encode`."""

    digest: Digest
    pictures: Plan
    sounds: Score
    fragments: tuple[Fragment, ...]
    encode: frozenset[str] = frozenset()


def reel(timeline: Timeline, plans: Plans, encode: frozenset[str] = frozenset()) -> Reel:
    """The proxy of a version in fragments of at least a second, copying nothing from the edit proxies in `encode`.

    Raises MediaNotReadyError.
    """
    pictures, sounds = plans.pictures(timeline, PROXY, encode), plans.sound(timeline, PROXY)
    return Reel(film_digest(pictures, sounds), pictures, sounds, tuple(_fragments(pictures, sounds)), encode)


def _fragments(pictures: Plan, sounds: Score) -> Iterator[Fragment]:
    rate, groups = pictures.fps.fraction, pieces(pictures)
    first = 0
    for number, group in enumerate(groups):
        frames = sum(part.frames for part in group)
        last = number == len(groups) - 1
        # The first packet is what the encoder made before sample 0: it would begin before the film.
        sound, silence = (1 + -(-samples_at(at, rate, SAMPLE_RATE) // FRAME) for at in (first, first + frames))
        yield Fragment(first, frames, tuple(group), sound, sounds.packets if last else min(silence, sounds.packets))
        first += frames


def text(film: Reel, ready: int, addresses: Sequence[str], start: str, first: int = 0) -> str:
    """The playlist of the fragments [first, ready); `start` is the address of the header. It ends when they are all."""
    rate = film.pictures.fps.fraction
    longest = max((fragment.frames for fragment in film.fragments), default=0)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, -(-longest // rate))}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        # Or players take what still grows for a live event, and begin near its end.
        "#EXT-X-START:TIME-OFFSET=0,PRECISE=YES",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{start}"',
    ]
    for fragment, address in zip(film.fragments[first:ready], addresses, strict=False):
        lines += [f"#EXTINF:{float(fragment.frames / rate):.6f},", address]
    if ready == len(film.fragments):
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


class Previews:
    """Fragments of the films of all tenants, made of what the cache has; `index` says what that is known to have."""

    def __init__(self, blobs: BlobStore, index: Index | None = None) -> None:
        self._blobs, self._index = blobs, index

    async def ready(self, film: Reel, tenant: str, first: int = 0) -> int:
        """The first fragment from `first` on that can't be made yet; how many there are if all can."""
        every = set[Digest]().union(*(fragment.needs(film.sounds) for fragment in film.fragments[first:]))
        absent = await SegmentCache(self._blobs, tenant, self._index).missing(every)
        for number, fragment in enumerate(film.fragments[first:], first):
            if absent & fragment.needs(film.sounds):
                return number
        return len(film.fragments)

    async def fragment(self, film: Reel, tenant: str, number: int) -> tuple[bytes, bytes]:
        """The header of the film, the same for all fragments, and a fragment: a `moof` and its `mdat`.

        Raises DamagedSegmentError, ParametersDifferError, BrokenFilmError.
        """
        part = film.fragments[number]
        cache = SegmentCache(self._blobs, tenant, self._index)
        async with AsyncExitStack() as opened:
            files = await opened.enter_async_context(cache.files(part.needs(film.sounds)))
            pictures = msgspec.structs.replace(film.pictures, segments=part.segments)
            proxies = await self._proxies(opened, pictures)
            return await asyncio.to_thread(
                _made, film, number, pictures, lambda digest: files[digest].read_bytes(), proxies
            )

    async def differing(self, film: Reel, tenant: str) -> frozenset[str]:
        """Edit proxies whose packets can't stand beside the other pictures, as far as those exist yet."""
        cache = SegmentCache(self._blobs, tenant, self._index)
        copied = {part.source.sha256: part for part in film.pictures.segments if isinstance(part, Copied)}
        encoded = film.pictures.encoded()
        absent = await cache.missing(encoded) if copied else set(encoded)
        one = [part for digest, part in encoded.items() if digest not in absent][:1]
        if len(copied) + len(one) < 2:
            return frozenset()
        pictures = msgspec.structs.replace(film.pictures, segments=(*copied.values(), *one))
        async with AsyncExitStack() as opened:
            files = await opened.enter_async_context(cache.files(part.digest for part in one))
            proxies = await self._proxies(opened, pictures)

            def compare() -> frozenset[str]:
                try:
                    with pictures_of(pictures, lambda digest: files[digest].read_bytes(), proxies):
                        return frozenset()
                except ParametersDifferError as error:
                    return error.sources

            return await asyncio.to_thread(compare)

    async def _proxies(self, opened: AsyncExitStack, pictures: Plan) -> dict[str, Path]:
        """The edit proxies of a plan on local disk. Raises BrokenFilmError."""
        try:
            return {
                sha256: await opened.enter_async_context(self._blobs.local(source.key))
                for sha256, source in pictures.copied().items()
            }
        except BlobNotFoundError as error:
            raise BrokenFilmError(f"an edit proxy is gone: {error}") from error


_FLAGS: Final = "+frag_custom+empty_moov+default_base_moof+frag_discont+skip_trailer"


def _made(film: Reel, number: int, plan_: Plan, read: Read, proxies: Mapping[str, Path]) -> tuple[bytes, bytes]:
    part = film.fragments[number]
    timescale, _ = ticks(plan_.fps)
    out = io.BytesIO()
    options = {
        **MUXER_OPTIONS,
        "movflags": _FLAGS,
        "fragment_index": str(number + 1),
        "use_editlist": "0",
        "write_btrt": "0",
        # Or every fragment would begin at 0.
        "avoid_negative_ts": "disabled",
        "video_track_timescale": str(timescale),
    }
    with ExitStack() as opened:
        pictures = opened.enter_context(pictures_of(plan_, read, proxies))
        # Always of one chunk: headers tell its bit rate, and must be equal.
        sound_like = opened.enter_context(opened_segment(read, film.sounds.chunks[0].digest)).streams.audio[0]
        file = opened.enter_context(av.open(out, "w", format="mp4", options=options))
        video = like(file, pictures.template)
        video.time_base = Fraction(1, timescale)
        sound = file.add_stream_from_template(sound_like)
        sound.time_base = Fraction(1, SAMPLE_RATE)
        chunks = film.sounds.holding(part.sound, part.silence)
        heard = (packet for number, packet in sounds_of(chunks, read, sound) if part.sound <= number < part.silence)
        for packet in interleaved(pictures.coded(video, part.first), heard, timescale):
            file.mux(packet)
    data = out.getvalue()
    where = boxes.box(data, b"moof")
    if where is None:
        raise BrokenFilmError("a fragment without pictures")
    at = where[0] - boxes.HEADER
    return data[:at], data[at:]

"""Run inside the sandbox, by the examiner: what only pictures that were decoded tell.

Imports the standard library only, and never touches cutlog: the sandbox does not show it.
"""

from __future__ import annotations

from array import array
from typing import Any

#: Packets to look at before giving up on a picture.
PATIENCE = 400


def pictures(av: Any, container: Any, stream: Any, count: int) -> list[Any]:
    """The first pictures that come out of a stream, at most so many, with the packets read so far."""
    found: list[Any] = []
    try:
        for number, packet in enumerate(container.demux(stream)):
            found += packet.decode()
            if len(found) >= count or number > PATIENCE:
                break
    except av.FFmpegError:
        pass
    return found[:count]


def recovery(av: Any, container: Any, stream: Any, keys: array[int]) -> int:
    """Ticks from a key frame to the first picture that comes out when decoding begins there: not 0 where pictures are
    refreshed bit by bit."""
    middle = sorted(keys)[len(keys) // 2]
    try:
        container.seek(middle, stream=stream)
        landed = None
        for number, packet in enumerate(container.demux(stream)):
            if landed is None and packet.is_keyframe:
                landed = packet.pts
            shown = [frame.pts for frame in packet.decode() if frame.pts is not None]
            if shown and landed is not None:
                return int(max(0, shown[0] - landed))
            if number > PATIENCE:
                break
    except av.FFmpegError:
        pass
    return 0

"""What `ffmpeg -progress` tells, as values."""

from __future__ import annotations

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`frames` encoded so far, `fps` of encoding, `speed` in times real time, `seconds` and bytes (`size`) made."""

    frames: int = 0
    fps: float = 0.0
    speed: float = 0.0
    seconds: float = 0.0
    size: int = 0
    done: bool = False


def _number(text: str) -> float:
    """ffmpeg writes N/A for what it does not know yet."""
    try:
        return float(text.strip().removesuffix("x"))
    except ValueError:
        return 0.0


class ProgressReader:
    """Collects `key=value` lines; each `progress=` line ends a block."""

    def __init__(self) -> None:
        self._block: dict[str, str] = {}

    def feed(self, line: str) -> Progress | None:
        """The block that `line` completes, if it does."""
        key, _, value = line.strip().partition("=")
        if key != "progress":
            self._block[key] = value
            return None
        block, self._block = self._block, {}
        return Progress(
            frames=int(_number(block.get("frame", "0"))),
            fps=_number(block.get("fps", "0")),
            speed=_number(block.get("speed", "0")),
            seconds=_number(block.get("out_time_us", "0")) / 1e6,
            size=int(_number(block.get("total_size", "0"))),
            done=value == "end",
        )

"""How much a project may hold, and the numbers that ops are made of."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from cutlog.contract.lines import ONE_LINE

#: A project ends before this frame: more than a day at 100 frames per second.
MAX_FRAMES: Final = 10_000_000
MAX_TRACKS: Final = 200
MAX_CLIPS: Final = 100_000
MAX_OPS: Final = 1_000
MAX_UNDONE: Final = 1_000
MAX_KEYFRAMES: Final = 1_000
#: Effects of one clip.
MAX_EFFECTS: Final = 32
MAX_MARKERS: Final = 10_000
#: Captions of one track.
MAX_CAPTIONS: Final = 20_000

#: PostgreSQL's jsonb holds any text but one with a NUL.
NO_NUL: Final = r"^[^\x00]*$"

#: What is written about a name is stricter than what is read: the log may hold names from before.
_SHOWN: Final = {"pattern": ONE_LINE}
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NO_NUL, extra_json_schema=_SHOWN)]
TrackName = Annotated[str, msgspec.Meta(max_length=200, pattern=NO_NUL, extra_json_schema=_SHOWN)]
At = Annotated[int, msgspec.Meta(ge=0, lt=MAX_FRAMES, description="frame of the timeline")]
Length = Annotated[int, msgspec.Meta(ge=1, le=MAX_FRAMES, description="frames")]
Fade = Annotated[int, msgspec.Meta(ge=0, le=MAX_FRAMES, description="frames")]
By = Annotated[int, msgspec.Meta(ge=-MAX_FRAMES, le=MAX_FRAMES, description="frames; negative is earlier")]
SourceFrame = Annotated[int, msgspec.Meta(ge=0, le=MAX_FRAMES, description="frame of the conformed source")]
Index = Annotated[int, msgspec.Meta(ge=0, lt=MAX_TRACKS, description="0 is the bottom")]
Gain = Annotated[float, msgspec.Meta(ge=-120, le=40, description="dB")]

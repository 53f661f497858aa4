"""Problems that only render answers."""

from __future__ import annotations

from typing import Final

from cutlog.web import ProblemType

MEDIA_NOT_READY: Final = ProblemType(
    "media-not-ready", 409, "Media of the timeline is not ready",
    "Media v_1 is still being processed; try again when it is ready.",
)  # fmt: skip
MEDIA_GONE: Final = ProblemType("media-gone", 409, "The media was deleted", "Media v_1 no longer exists.")
NO_PICTURE: Final = ProblemType(
    "no-picture", 422, "The source has no usable picture", "Media v_1 has no usable picture."
)
NOT_DRAWN: Final = ProblemType(
    "not-drawn", 422, "The frame can't be rendered from its media", "A source of this frame can't be decoded."
)
DRAFT_OVERTAKEN: Final = ProblemType(
    "draft-overtaken", 409, "The draft has a newer revision",
    "Revision 7 of the draft was replaced; ask for the newest one.",
)  # fmt: skip

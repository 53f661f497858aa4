"""Lists in pages: `?limit=&cursor=` in, `{items, next}` out."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, TypeVar

import msgspec

from cutlog.contract.answers.problems import ProblemError
from cutlog.contract.base import Strict
from cutlog.web.decode import decode_json
from cutlog.web.problems import Problem, invalid

T = TypeVar("T")

MAX_LIMIT = 200
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT, description="How many items at most")]
CursorText = Annotated[str, msgspec.Meta(max_length=1024, description="`next` of the page before")]


class ListQuery(Strict):
    """The query of a list. Subclass it to add filters."""

    limit: Limit = 50
    cursor: CursorText | None = None


def encode_cursor(place: Any) -> str:
    """An opaque text for a place in a list, such as the sort key of the last item. `place` is what msgspec encodes."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def decode_cursor(cursor: str, place: type[T]) -> T:
    """The place that `encode_cursor` hid. Raises Problem 422 at `?cursor` for any other text."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return decode_json(raw, place)
    except (Problem, binascii.Error, ValueError):
        error = ProblemError("?cursor", "Invalid cursor; omit it to start from the beginning.")
        raise invalid(error) from None

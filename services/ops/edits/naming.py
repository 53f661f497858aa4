"""The media that ops name. They are found by what an argument is called, so every op that will come has the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cutlog.contract.effects import EFFECTS
from cutlog.contract.fonts import uploaded
from cutlog.contract.ids import is_id

_FONTS: Final = frozenset(("font", "captionFont"))
"""Arguments that are a built-in font, or the id of a media that is one."""
_MEDIA: Final = frozenset(("media", *(name for kind in EFFECTS.values() for name in kind.media)))
"""Arguments, and parameters of effects, that are ids of media."""


def media_named(value: Any) -> Iterator[str]:
    """The media that ops bring into a project. They are as they were sent."""
    match value:
        case dict():
            for key, each in value.items():
                if key in _MEDIA and isinstance(each, str):
                    yield from (each,) if is_id(each) else ()
                elif key in _FONTS and isinstance(each, str):
                    yield from uploaded(each) if is_id(each) else ()
                else:
                    yield from media_named(each)
        case list() | tuple():
            for each in value:
                yield from media_named(each)
        case _:
            return


def media_renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Ops as they were sent, with other ids for the media that they name."""
    match value:
        case dict():
            return {
                key: names.get(each, each)
                if key in _MEDIA | _FONTS and isinstance(each, str)
                else media_renamed(each, names)
                for key, each in value.items()
            }
        case list() | tuple():
            return [media_renamed(each, names) for each in value]
        case _:
            return value

"""Documents that no program would write: they are refused, or imported with what they lose; nothing else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import reduce
from operator import getitem
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.contract import ops as o
from cutlog.contract.timeline import Canvas
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from services.ops.interchange.export import export
from services.ops.interchange.schema import MalformedError
from tests.interchange.conftest import imported
from tests.interchange.histories import FILES, LIBRARY, MEDIA, timeline_of
from tests.support.chance import examples

DOCUMENT: dict[str, Any] = msgspec.json.decode(
    msgspec.json.encode(
        export(
            timeline_of(
                apply_all(
                    Sequence("p", Canvas()),
                    (
                        o.TrackAdd(track="v1", kind="video"),
                        o.ClipAdd(clip="a", track="v1", at=5, media="film", start=40, end=60),
                        o.ClipAdd(clip="b", track="v1", at=25, media="mute", start=60, end=90),
                        o.TransitionAdd(transition="t", left="a", right="b", kind="dissolve", frames=4),
                        o.ClipSpeed(clip="b", num=3, den=2),
                        o.ClipAdd(clip="c", track="v1", at=60, color="#ff0000", frames=9),
                        o.MarkerAdd(marker="m", at=3, label="x"),
                        o.CaptionsImport(
                            track="en", format="srt", content="1\n00:00:00,000 --> 00:00:01,000\nHi"
                        ),
                        o.TrackAdd(track="a1", kind="audio"),
                        o.ClipAdd(clip="s", track="a1", at=10, media="song", start=5, end=50),
                    ),
                    MEDIA,
                )
            ),
            "film",
            FILES,
        )
    )
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


PLACES = [path for path in places(DOCUMENT) if path]


def at(path: tuple[Any, ...]) -> Any:
    return reduce(getitem, path, DOCUMENT)


OBJECTS = [at(path) for path in PLACES if isinstance(at(path), dict)]
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20), st.lists(st.none(), max_size=3), st.dictionaries(st.text(max_size=5), st.none(), max_size=2),
    st.sampled_from(["Clip.2", "Gap.1", "Stack.1", "FreezeFrame.1", "Nonsense.9", "Transition.1", "Slug", "1e999999"]),
    st.sampled_from(OBJECTS),
)  # fmt: skip


def changed(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = deepcopy(value)


@st.composite
def documents(draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, Any]:
    found = deepcopy(DOCUMENT)
    for _ in range(draw(st.integers(1, 4))):
        try:
            changed(found, draw(st.sampled_from(PLACES)), draw(VALUES))
        except (KeyError, IndexError, TypeError):
            continue
    return found


@settings(max_examples=examples(600), suppress_health_check=list(HealthCheck))
@given(documents())
def test_a_damaged_document_is_refused_or_imported_never_anything_else(document: dict[str, Any]) -> None:
    try:
        brought = imported(document, LIBRARY)
    except MalformedError:
        return
    assert brought.sequence.duration <= 10_000_000
    assert all(len(loss.where) <= 120 for loss in brought.losses)

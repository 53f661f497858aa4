"""Facts of a shape that is not written any more: read as facts of today, or the reader stops."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract import envelope
from cutlog.contract.envelope import UnknownEventTypeError
from cutlog.contract.events import ProjectCreated
from cutlog.contract.upcasting import Fact, Upcaster, upcast

OLD = b'{"title": "Film", "size": [640, 360]}'


def _made(payload: dict[str, Any]) -> Fact:
    """A project as it was said first: a title, and no canvas."""
    return "ProjectBegun", {"name": payload["title"], "width": payload["size"][0], "height": payload["size"][1]}


def _begun(payload: dict[str, Any]) -> Fact:
    width, height = payload["width"], payload["height"]
    return "ProjectCreated", {"name": payload["name"], "canvas": {"width": width, "height": height}}


STEPS: dict[str, Upcaster] = {"ProjectMade": _made, "ProjectBegun": _begun}


def test_a_retired_fact_is_read_as_one_of_today_through_every_step() -> None:
    fact = envelope.decode("ProjectMade", OLD, STEPS)
    assert isinstance(fact, ProjectCreated)
    assert (fact.name, fact.canvas.width, fact.canvas.height) == ("Film", 640, 360)


def test_facts_of_today_are_not_touched() -> None:
    plain = envelope.encode(ProjectCreated(name="x", canvas=envelope.decode("ProjectMade", OLD, STEPS).canvas))  # type: ignore[union-attr]
    assert envelope.decode("ProjectCreated", plain, STEPS) == envelope.decode("ProjectCreated", plain)


def test_what_nobody_knows_stops_the_reader() -> None:
    with pytest.raises(UnknownEventTypeError, match="ProjectMade"):
        envelope.decode("ProjectMade", OLD)
    with pytest.raises(UnknownEventTypeError, match="ProjectDreamt"):
        envelope.decode("ProjectMade", OLD, {"ProjectMade": lambda payload: ("ProjectDreamt", payload)})
    with pytest.raises(msgspec.ValidationError):
        envelope.decode("ProjectMade", OLD, {"ProjectMade": lambda payload: ("ProjectCreated", payload)})


def test_upcasters_that_go_in_a_circle_are_found() -> None:
    with pytest.raises(LookupError, match="circle"):
        upcast("a", {}, {"a": lambda payload: ("b", payload), "b": lambda payload: ("a", payload)})

"""What the contract declares of a kind of effect is what the renderer makes of it."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from cutlog.contract.effects import EFFECTS, ColorValue, MediaValue, Number
from services.render.audio.filters import RECIPES
from services.render.audio.treatment import MEASURING
from services.render.compile.effects import COMPILED, Call, Clut, Grain, filters, steady
from services.render.plan.looks import GRAIN, Applied, Curve

ON_PICTURES: Final = {kind for kind, known in EFFECTS.items() if known.medium != "sound"}
ON_SOUNDS: Final = {kind for kind, known in EFFECTS.items() if known.medium != "picture"}


def applied(kind: str, **changed: Curve) -> Applied:
    params: dict[str, Curve | str] = {GRAIN: (5.0, 6.0)} if EFFECTS[kind].counting else {}
    for name, parameter in EFFECTS[kind].params.items():
        match parameter:
            case Number(default=default):
                params[name] = float(default)
            case ColorValue(default=color):
                params[name] = color
            case MediaValue():
                params[name] = "clut"
            case _:
                params[name] = "picture"
    return Applied(kind, {**params, **changed})


def test_every_kind_is_compiled() -> None:
    assert set(COMPILED) == ON_PICTURES
    # To bring a sound to its loudness is a gain, once it is measured.
    assert set(RECIPES) | set(MEASURING) == ON_SOUNDS


@pytest.mark.parametrize("kind", sorted(ON_PICTURES))
def test_what_a_kind_says_of_itself_is_what_its_filters_do(kind: str) -> None:
    known = EFFECTS[kind]
    calls = filters(applied(kind), 480)
    assert known.alpha == any(isinstance(call, Call) and call.alpha == "makes" for call in calls)
    assert known.counting == any(isinstance(call, Grain) for call in calls)
    assert bool(known.media) == any(isinstance(call, Clut) for call in calls)


PARAMETERS: Final = [
    (kind, name)
    for kind in sorted(ON_PICTURES)
    for name, each in EFFECTS[kind].params.items()
    if isinstance(each, Number)
]


@pytest.mark.parametrize(("kind", "name"), PARAMETERS)
def test_a_value_that_moves_is_evaluated_or_makes_a_stretch_of_its_own(kind: str, name: str) -> None:
    parameter = EFFECTS[kind].params[name]
    assert isinstance(parameter, Number)
    moving = applied(kind, **{name: (parameter.low, parameter.high)})
    parts = steady(moving, 2)
    assert len(parts) == (1 if parameter.evaluated else 2)
    one, other = (msgspec.json.encode(filters(part, 480)) for part in (parts[0][1], parts[-1][1]))
    assert (b"if(lt(n,1)" in one) if parameter.evaluated else (one != other)

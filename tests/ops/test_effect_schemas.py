"""Effects in the document of the API are what edits take."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from cutlog.contract.clip_ops import PastedEffect
from cutlog.contract.effects import EFFECTS
from cutlog.contract.finishing_ops import EffectAdd, EffectSet
from cutlog.web.openapi import REF
from services.ops.api.effect_schemas import by_kind


@pytest.fixture(scope="module")
def components() -> dict[str, Any]:
    return by_kind(msgspec.json.schema_components([EffectAdd, EffectSet, PastedEffect], ref_template=REF)[1])


def valid(components: dict[str, Any], name: str, value: object) -> bool:
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": components}}
    return jsonschema_rs.Draft202012Validator(whole).is_valid(value)


def added(kind: str, **params: object) -> dict[str, object]:
    return {"op": "effect.add", "clip": "c", "effect": "e", "kind": kind, "params": params}


def test_each_kind_has_parameters_of_its_own(components: dict[str, Any]) -> None:
    assert set(components["EffectAdd"]["discriminator"]["mapping"]) == set(EFFECTS)
    for kind, described in EFFECTS.items():
        properties = components[f"{kind[0].upper()}{kind[1:]}Params"]["properties"]
        assert properties.keys() == described.params.keys()


@pytest.mark.parametrize(
    ("op", "good"),
    [
        (added("blur", radius=0.1), True),
        (added("blur"), True),
        (added("blur", radius={"keyframes": [{"frame": 0, "value": 0.1, "easing": "linear"}]}), True),
        (added("chromaKey", color="#00ff00", blend=0.5), True),
        (added("denoise", of="sound"), True),
        (added("lut", media="v_1"), True),
        (added("blur", radius="wide"), False),
        (added("blur", radius=9), False),
        (added("blur", amount=0.1), False),
        (added("lut"), False),
        (added("sparkle"), False),
    ],
)
def test_an_effect_fits_its_kind_or_not(components: dict[str, Any], op: dict[str, object], good: bool) -> None:
    assert valid(components, "EffectAdd", op) == good
    pasted = {"id": "e", "kind": op["kind"], "params": op["params"]}
    assert valid(components, "PastedEffect", pasted) == good


def test_a_change_has_parameters_of_some_kind(components: dict[str, Any]) -> None:
    change = {"op": "effect.set", "clip": "c", "effect": "e"}
    assert valid(components, "EffectSet", change | {"params": {"radius": 0.1}})
    assert not valid(components, "EffectSet", change | {"params": {"sparkle": 0.1}})

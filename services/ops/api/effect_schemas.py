"""Effects in the document of the API: each kind with parameters of its own. The types that validate have one for all.

`cutlog.contract.effects` says what the kinds are; both are made from it.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from cutlog.contract.effects import EFFECTS, Choice, ColorValue, EffectKind, MediaValue, Number

Json = dict[str, Any]

_ADDED: Final = ("EffectAdd", "PastedEffect")
"""Types with a kind, and parameters of which some may be left out."""
_CHANGED: Final = "EffectSet"
"""The type that names no kind: its effect has one already."""
_REF: Final = "#/components/schemas/"


def by_kind(components: dict[str, Json]) -> dict[str, Json]:
    """The components, where effects that are added are of one type for each kind, told apart by `kind`."""
    found = dict(components)
    for name in _ADDED:
        if (whole := components.get(name)) is not None:
            found |= {f"{name}{_capital(kind)}": _one(whole, f"{name}{_capital(kind)}", kind) for kind in EFFECTS}
            found[name] = _any(whole, {kind: f"{name}{_capital(kind)}" for kind in EFFECTS})
    if _CHANGED in components:
        changed = components[_CHANGED]
        params = {"anyOf": [_ref(_params(kind)) for kind in EFFECTS]}
        found[_CHANGED] = {**changed, "properties": {**changed["properties"], "params": params}}
    if len(found) > len(components):
        found |= {_params(kind): _parameters(kind, described) for kind, described in EFFECTS.items()}
    return found


def _one(whole: Json, name: str, kind: str) -> Json:
    members = {**whole["properties"], "kind": {"type": "string", "enum": [kind]}, "params": _ref(_params(kind))}
    needed = {"params"} & {"params" for each in EFFECTS[kind].params.values() if isinstance(each, MediaValue)}
    required = [each for each in members if each in whole["required"] or each in needed]
    return {**whole, "title": name, "properties": members, "required": required}


def _any(whole: Json, names: dict[str, str]) -> Json:
    mapping = {kind: f"{_REF}{name}" for kind, name in names.items()}
    return {
        "title": whole["title"],
        "description": whole.get("description", ""),
        "oneOf": [{"$ref": ref} for ref in mapping.values()],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }


def _parameters(kind: str, described: EffectKind) -> Json:
    return {
        "title": _params(kind),
        "description": f"Parameters of the effect `{kind}`, which {described.summary}.",
        "type": "object",
        "properties": {name: _parameter(each) for name, each in described.params.items()},
        "required": [name for name, each in described.params.items() if isinstance(each, MediaValue)],
        "additionalProperties": False,
    }


def _parameter(each: Number | ColorValue | Choice | MediaValue) -> Json:
    match each:
        case Number(default=default, low=low, high=high, unit=unit):
            said = f"{low:g} to {high:g}{f' {unit}' if unit else ''}. Default: {default:g}."
            return {
                "description": said,
                "anyOf": [{"type": "number", "minimum": low, "maximum": high}, _ref("Keyframes")],
            }
        case ColorValue(default=color):
            return {"type": "string", "pattern": "^#[0-9a-f]{6}$", "description": f"Default: {color}."}
        case Choice(options=options):
            return {"type": "string", "enum": list(options)}
        case MediaValue():
            return {"type": "string", "description": "Id of a media"}
        case other:
            assert_never(other)


def _params(kind: str) -> str:
    return f"{_capital(kind)}Params"


def _capital(kind: str) -> str:
    return kind[0].upper() + kind[1:]


def _ref(name: str) -> Json:
    return {"$ref": f"{_REF}{name}"}

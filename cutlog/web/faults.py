"""Everything that is wrong with a JSON value of a given type, each fault with the pointer to it.

msgspec stops at the first fault and does not name the keys of mappings. This walk runs only after msgspec has refused
a value, so it may take its time.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

import msgspec

from cutlog.contract.answers.problems import ProblemError
from cutlog.web.pointer import located, pointer

Path = tuple[str | int, ...]

MAX_FAULTS = 20
BATCH = 256


def faults(value: Any, expected: Any, strict: bool = True) -> list[ProblemError]:
    """The first 20 faults of `value`, which is JSON already parsed. Empty when there are none.

    `strict=False` also takes numbers and booleans written as text, as in a query string.
    """
    walk = _Walk(strict)
    return [ProblemError(pointer(path), text) for path, text in islice(walk.of(value, expected, ()), MAX_FAULTS)]


class _Walk:
    def __init__(self, strict: bool) -> None:
        self.strict = strict

    def of(self, value: Any, expected: Any, at: Path) -> Iterator[tuple[Path, str]]:
        try:
            msgspec.convert(value, expected, strict=self.strict, str_keys=True)
        except msgspec.ValidationError as error:
            message = str(error)
        else:
            return
        deeper = False
        for fault in self.inside(value, _bare(expected), at):
            deeper = True
            yield fault
        if not deeper:
            path, text = located(message)
            yield (*at, *path), text + _choices(_bare(expected), value)

    def inside(self, value: Any, expected: Any, at: Path) -> Iterator[tuple[Path, str]]:
        origin, args = get_origin(expected), get_args(expected)
        shape = origin or expected
        if shape in (Union, types.UnionType):
            yield from self.union(value, args, at)
        elif not isinstance(shape, type):
            return
        elif issubclass(shape, msgspec.Struct):
            if isinstance(value, dict) and not shape.__struct_config__.array_like:
                yield from self.struct(value, expected, shape, at)
            elif isinstance(value, list) and shape.__struct_config__.array_like:
                for index, (item, field) in enumerate(zip(value, msgspec.structs.fields(expected), strict=False)):
                    yield from self.of(item, field.type, (*at, index))
        elif issubclass(shape, tuple) and isinstance(value, list) and args and args[-1] is not Ellipsis:
            for index, (item, kind) in enumerate(zip(value, args, strict=False)):
                yield from self.of(item, kind, (*at, index))
        elif issubclass(shape, (list, tuple, AbstractSet, Sequence)) and isinstance(value, list) and args:
            for start in range(0, len(value), BATCH):
                batch = value[start : start + BATCH]
                if not self.fits(batch, list[args[0]]):  # type: ignore[valid-type]
                    for index, item in enumerate(batch, start):
                        yield from self.of(item, args[0], (*at, index))
        elif issubclass(shape, Mapping) and isinstance(value, dict) and args:
            yield from self.mapping(value, args, at)

    def mapping(self, value: dict[str, Any], args: tuple[Any, ...], at: Path) -> Iterator[tuple[Path, str]]:
        items = iter(value.items())
        while batch := dict(islice(items, BATCH)):
            if self.fits(batch, dict[args[0], args[1]]):  # type: ignore[valid-type]
                continue
            for key, item in batch.items():
                if self.fits({key: None}, dict[args[0], Any]):  # type: ignore[valid-type]
                    yield from self.of(item, args[1], (*at, key))
                else:
                    yield (*at, key), "Not a key that fits here"

    def fits(self, value: Any, expected: Any) -> bool:
        """Whether a whole batch is right: then none of it needs to be looked at."""
        try:
            msgspec.convert(value, expected, strict=self.strict, str_keys=True)
        except msgspec.ValidationError:
            return False
        return True

    def struct(
        self, value: dict[str, Any], expected: Any, shape: type[msgspec.Struct], at: Path
    ) -> Iterator[tuple[Path, str]]:
        config = shape.__struct_config__
        fields = {field.encode_name: field for field in msgspec.structs.fields(expected)}
        for key, item in value.items():
            if key in fields:
                yield from self.of(item, fields[key].type, (*at, key))
            elif key == config.tag_field:
                if item != config.tag:
                    yield (*at, key), f"Expected {config.tag!r}"
            elif config.forbid_unknown_fields:
                yield (*at, key), f"Unknown key; known here: {', '.join(fields) or 'none'}"
        for name, field in fields.items():
            if field.required and name not in value:
                yield (*at, name), "This key is required"

    def union(self, value: Any, members: tuple[Any, ...], at: Path) -> Iterator[tuple[Path, str]]:
        structs = [bare for member in members if _is_struct(bare := _bare(member))]
        if isinstance(value, dict) and structs:
            yield from self.tagged(value, structs, at)
        else:
            kinds = [bare for member in members if _takes(bare := _bare(member), value)]
            if len(kinds) == 1:
                yield from self.of(value, kinds[0], at)

    def tagged(self, value: dict[str, Any], structs: list[Any], at: Path) -> Iterator[tuple[Path, str]]:
        configs = {(get_origin(struct) or struct).__struct_config__.tag: struct for struct in structs}
        tag_field = (get_origin(structs[0]) or structs[0]).__struct_config__.tag_field
        if tag_field is None:
            yield from self.of(value, structs[0], at)
        elif tag_field not in value:
            yield (*at, tag_field), "This key is required"
        else:
            tag = value[tag_field]
            chosen = configs.get(tag) if isinstance(tag, str | int) else None
            if chosen is None:
                known = ", ".join(sorted(map(str, configs)))
                yield (*at, tag_field), f"Unknown value; known here: {known}"
            else:
                yield from self.of(value, chosen, at)


def _bare(expected: Any) -> Any:
    """The type under Annotated, NewType and type aliases."""
    while True:
        if get_origin(expected) is Annotated:
            expected = get_args(expected)[0]
        elif isinstance(expected, NewType):
            expected = expected.__supertype__
        elif type(expected).__name__ == "TypeAliasType":  # typing has it from Python 3.12 on
            expected = expected.__value__
        else:
            return expected


def _is_struct(bare: Any) -> bool:
    shape = get_origin(bare) or bare
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct) and not shape.__struct_config__.array_like


def _takes(bare: Any, value: Any) -> bool:
    """Whether a member of a union is the one that a value of this JSON kind must have meant."""
    shape = get_origin(bare) or bare
    if not isinstance(shape, type):
        return False
    match value:
        case list():
            array_like = issubclass(shape, msgspec.Struct) and shape.__struct_config__.array_like
            return array_like or (issubclass(shape, (list, tuple, AbstractSet, Sequence)) and shape is not str)
        case dict():
            return issubclass(shape, Mapping)
        case _:
            return False


def _choices(bare: Any, value: Any) -> str:
    """The values that an enumeration allows, as the end of a sentence."""
    if get_origin(bare) is Literal and isinstance(value, str):
        return f"; known here: {', '.join(map(str, get_args(bare)))}"
    return ""

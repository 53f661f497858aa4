"""The gate: ops that the engine can do and the renderer can't show yet are refused before they become history."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Sequence as Several
from typing import Any

import msgspec
from msgspec import UNSET

from cutlog.contract.ops import UNRENDERED, ClipAdd, ClipPaste, Op
from cutlog.contract.properties import Keyframes
from services.ops.edits.errors import EditError


def refuse_unrendered(ops: Several[Op], unrendered: Collection[str] = UNRENDERED) -> None:
    """Raises EditError for the first op that can't be shown, with a pointer to it or to its argument."""
    for index, op in enumerate(ops):
        name = str(op.__struct_config__.tag)
        if name in unrendered:
            raise EditError(f"/ops/{index}/op", f"{name} can't be rendered by this version of cutlog; leave it out")
        for pointer, argument in _pasted(op) if isinstance(op, ClipPaste) else ():
            if argument in unrendered:
                raise EditError(f"/ops/{index}{pointer}", f"{argument} can't be rendered yet; leave it out")
        for pointer, argument, value in _arguments(op, name):
            if argument in unrendered:
                raise EditError(f"/ops/{index}{pointer}", f"{argument} can't be rendered yet; leave it out")
            if isinstance(value, str) and f"{argument}={value}" in unrendered:
                raise EditError(f"/ops/{index}{pointer}", f"{argument} can't be {value!r} yet; leave it as it is")
            if isinstance(value, Keyframes) and "keyframes" in unrendered:
                raise EditError(f"/ops/{index}{pointer}", "keyframes can't be rendered yet; give a constant")


def _arguments(op: Op, name: str) -> Iterator[tuple[str, str, Any]]:
    """Pointer, dotted name and value of every argument that was given; those of a new clip as if they were set."""
    yield from _given(op, "", name)
    if isinstance(op, ClipAdd | ClipPaste) and op.properties is not UNSET:
        yield from _given(op.properties, "/properties", "clip.set")
    if isinstance(op, ClipAdd | ClipPaste) and op.text is not UNSET:
        yield from _given(op.text, "/text", "text.set")


def _pasted(op: ClipPaste) -> Iterator[tuple[str, str]]:
    """Pointers to what other ops would have made of a pasted clip, and their names."""
    if op.speed is not UNSET:
        yield "/speed", "clip.speed"
    if op.reversed:
        yield "/reversed", "clip.reverse"
    if op.freeze is not UNSET:
        yield "/freeze", "clip.freeze"
    if op.silent:
        yield "/silent", "clip.detachAudio"
    for index in range(len(op.effects)):
        yield f"/effects/{index}", "effect.add"


def _given(struct: msgspec.Struct, pointer: str, name: str) -> Iterator[tuple[str, str, Any]]:
    for field, shown in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        value = getattr(struct, field)
        if value is not UNSET and value is not None:
            yield f"{pointer}/{shown}", f"{name}.{shown}", value

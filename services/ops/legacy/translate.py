"""Versions of another store in the edit language. Pure.

A translation is sure or there is none: an op that could mean two things is kept as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Several
from typing import Any, Final

from cutlog.contract.imports import Conventions
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources
from services.ops.legacy.draft import Draft, Json
from services.ops.legacy.reading import Given, Untranslatable
from services.ops.legacy.rules import RULES

USUAL: Final = Conventions()


def translated(
    legacy: Several[Any],
    sequence: Sequence,
    videos: Mapping[str, str],
    sources: Sources,
    version: int,
    conventions: Conventions = USUAL,
) -> tuple[list[Json], Sequence]:
    """The ops of one version in the edit language, and the timeline that they lead to. Raises Untranslatable."""
    ops: list[Json] = []
    for index, each in enumerate(legacy):
        if not isinstance(each, Mapping):
            raise Untranslatable(f"op {index} is {type(each).__name__} and no object")
        draft = Draft(sequence, videos, sources, f"c{version}-{index}")
        try:
            _one(each, draft, conventions)
        except Untranslatable as error:
            raise Untranslatable(f"op {index}: {error}") from None
        ops += draft.ops
        sequence = draft.sequence
    return ops, sequence


def _one(legacy: Mapping[str, Any], draft: Draft, conventions: Conventions) -> None:
    if isinstance(name := legacy.get("op"), str) and "." in name:
        draft.put(_with_videos(dict(legacy), draft.videos))
        return
    given = Given(legacy, draft.rate, conventions)
    rule = RULES.get(given.kind)
    if rule is None:
        raise Untranslatable(f"{given.kind!r} is no kind of edit that is known")
    rule(given, draft)
    given.done()


def _with_videos(op: Json, videos: Mapping[str, str]) -> Json:
    """An op that is in the edit language already, but for what videos are called."""
    if op["op"] == "history.revert":
        raise Untranslatable("a revert goes back to what may not be there; the versions after it tell what it led to")
    media = op.get("media")
    return op | {"media": videos.get(str(media), media)} if media is not None else op

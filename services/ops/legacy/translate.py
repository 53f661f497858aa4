"""Versions of another store in the edit language. Pure.

A translation is sure or there is none: an op that could mean two things is kept as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Several
from typing import Any, Final, NamedTuple

from cutlog.contract.legacy import Conventions
from cutlog.contract.lines import one_line
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Sources
from services.ops.legacy.draft import PICTURE, Draft, Json
from services.ops.legacy.kinds import changes_no_time
from services.ops.legacy.reading import Given, UntranslatableError, kind_of, reworded
from services.ops.legacy.rules import RULES

FILM: Final = "film"
"""The clip that a project begins as."""
USUAL: Final = Conventions()
_UNKNOWN: Final = "{!r} is no kind of edit that is known"


class Translation(NamedTuple):
    """The ops of one version in the edit language, and the timeline that they lead to; the ops that are `kept` beside
    them, as they were written, and `why`, and the `reasons` one by one: nothing that follows depends on them."""

    ops: list[Json]
    sequence: Sequence
    kept: tuple[Any, ...] = ()
    why: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class VersionUntranslatableError(UntranslatableError):
    """None of a version's ops are translated, since others may depend on one that is not. `reasons` has one for each
    op, empty for those that are only kept with it."""

    def __init__(self, why: str, reasons: tuple[str, ...]) -> None:
        super().__init__(why)
        self.reasons = reasons


def translated(
    legacy: Several[Any],
    sequence: Sequence,
    videos: Mapping[str, str],
    sources: Sources,
    version: int,
    conventions: Conventions = USUAL,
) -> Translation:
    """Raises VersionUntranslatableError, where an op on which others may depend can't be translated."""
    ops: list[Json] = []
    kept: dict[int, str] = {}
    for index, each in enumerate(legacy):
        draft = Draft(sequence, videos, sources, f"c{version}-{index}")
        try:
            meant(each, draft, conventions)
        except UntranslatableError as error:
            kept[index] = str(error)
            if not changes_no_time(each, conventions):
                reasons = tuple(kept.get(at) or unknown(op, conventions) for at, op in enumerate(legacy))
                raise VersionUntranslatableError(f"op {index}: {error}", reasons) from None
        else:
            ops += draft.ops
            sequence = draft.sequence
    whys = tuple(f"op {index}: {why}" for index, why in kept.items())
    return Translation(ops, sequence, tuple(legacy[index] for index in kept), whys, tuple(kept.values()))


def opened_with(media: str, seconds: float | None, sequence: Sequence, sources: Sources) -> tuple[list[Json], Sequence]:
    """A film that is all of a media, which lasts `seconds` where its facts are not known. Raises
    UntranslatableError."""
    draft = Draft(sequence, {}, sources, FILM)
    material = sources.get(media)
    frames = material.frames(sequence.canvas.fps) if material is not None else round((seconds or 0) * draft.rate)
    if not frames:
        raise UntranslatableError("how long its film is is not known")
    draft.do(op="track.add", track=PICTURE, kind="video")
    draft.do(op="clip.add", clip=FILM, track=PICTURE, at=0, media=media, into=0, out=frames)
    return draft.ops, draft.sequence


def unknown(legacy: Any, conventions: Conventions) -> str:
    """Why an op could not be translated on any timeline; nothing, where that depends on the timeline."""
    if not isinstance(legacy, Mapping):
        return f"it is {type(legacy).__name__} and no object"
    if _is_ours(legacy):
        return ""
    try:
        kind = kind_of(reworded(legacy, conventions))
    except UntranslatableError as error:
        return str(error)
    return "" if kind in RULES else _UNKNOWN.format(kind)


def _is_ours(legacy: Mapping[str, Any]) -> bool:
    """Whether an op is in the edit language already."""
    return isinstance(name := legacy.get("op"), str) and "." in name


def meant(legacy: Any, draft: Draft, conventions: Conventions) -> None:
    """Puts what one op means onto the draft. Raises UntranslatableError."""
    if why := unknown(legacy, conventions):
        raise UntranslatableError(why)
    if _is_ours(legacy):
        draft.put(_with_videos(_with_lines(dict(legacy)), draft.videos))
        return
    given = Given(reworded(legacy, conventions), draft.rate, conventions)
    rule = RULES.get(given.kind)
    if rule is None:
        raise UntranslatableError(_UNKNOWN.format(given.kind))
    rule(given, draft)
    given.done()


def _with_lines(op: Json) -> Json:
    """An op that is in the edit language already, with its names as we take them."""
    named = op["op"] in ("project.configure", "track.set") and isinstance(op.get("name"), str)
    return op | {"name": one_line(op["name"])} if named else op


def _with_videos(op: Json, videos: Mapping[str, str]) -> Json:
    """An op that is in the edit language already, but for what videos are called."""
    if op["op"] == "history.revert":
        raise UntranslatableError(
            "a revert goes back to what may not be there; the versions after it tell what it led to"
        )
    media = op.get("media")
    return op | {"media": videos.get(str(media), media)} if media is not None else op

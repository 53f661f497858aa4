"""Writes docs/EDIT-LANGUAGE.md from the ops themselves: their schema, their docstrings, and examples that are run.

python -m docs.generate_edit_language           writes the page
python -m docs.generate_edit_language --check   exits 1 when the page is not what it would write
"""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import msgspec
from msgspec import inspect

from cutlog.contract import limits
from cutlog.contract.effects import EFFECTS, TRANSITIONS, Choice, ColorValue, MediaValue, Number, Parameter
from cutlog.contract.ids import ID_PATTERN
from cutlog.contract.media import MediaFacts, MediaKind
from cutlog.contract.ops import Op, Ops
from cutlog.contract.properties import Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, Crop, FreezeSource, MediaRef, MediaSource, TextStyle, Timeline
from docs.edit_language_examples import EXAMPLES, GROUPS, START, Example
from services.ops.edits.apply import DEFINITIONS, apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.excerpt import shown_at
from services.ops.edits.sequence import Sequence as Film
from services.ops.edits.sources import Known, Material
from services.ops.interchange.captions import CaptionReader, with_captions
from services.ops.interchange.losses import Ledger
from services.ops.timeline.resolve import resolve

PAGE: Final = Path(__file__).parent / "EDIT-LANGUAGE.md"

KINDS: Final[dict[str, type[msgspec.Struct]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Op)}

FACTS: Final[dict[str, tuple[MediaKind, MediaFacts]]] = {
    "film": ("video", MediaFacts(container="mov", duration="10", fps=Fps(30, 1), frames=100, audio_codec="aac")),
    "other": ("video", MediaFacts(container="mov", duration="10", fps=Fps(30, 1), frames=100, audio_codec="aac")),
    "clut": ("image", MediaFacts(container="png", duration="0", width=64, height=64)),
}
MEDIA: Final = Known({name: Material(kind, facts) for name, (kind, facts) in FACTS.items()})
REFERENCES: Final = {
    name: MediaRef(id=name, sha256=name, kind=kind, status="ready", facts=facts, key=name)
    for name, (kind, facts) in FACTS.items()
}


class Shown(NamedTuple):
    """A film, drawn, and as a document."""

    drawing: dict[str, str]
    timeline: Timeline


def run(ops: Sequence[Mapping[str, Any]], start: Film | None = None) -> Film:
    """The film after ops as JSON; version 1 is the beginning, and 2 where it starts. Raises EditError,
    msgspec.ValidationError."""
    film = start if start is not None else beginning()
    typed, _ = read_captions(msgspec.convert(ops, type=Ops), film)
    return apply_all(film, typed, MEDIA, {1: beginning(), 2: film}.get)


def read_captions(ops: Sequence[Op], film: Film) -> tuple[Sequence[Op], object]:
    """The ops with what their files of captions say in place of the files."""
    files = asyncio.run(CaptionReader("auto").read_all(ops))
    return with_captions(ops, [{}] * len(ops), files, film, MEDIA, {1: beginning()}.get, Ledger())


def beginning() -> Film:
    """The film that every example begins with."""
    return apply_all(Film("Example", Canvas()), msgspec.convert(START, type=Ops), MEDIA)


def draw(film: Film) -> dict[str, str]:
    """Each track as a line: a letter per frame of a clip, a dot for a gap."""
    lines: dict[str, str] = {}
    for track in reversed(film.tracks):
        line = ""
        for placed in track.lane:
            line += "·" * (placed.at - len(line)) + placed.piece.id[-1] * placed.piece.frames
        for _, caption in sorted(track.captions.items()):
            line += f" ({caption.start} to {caption.end}: {caption.text})"
        lines[track.id] = line
    return lines


def _block(lines: Mapping[str, str]) -> str:
    width = max(map(len, lines), default=0)
    return "\n".join(f"{name:{width}}  {line}".rstrip() for name, line in lines.items())


def _told(before: Film, after: Film) -> Iterator[str]:
    """What a drawing can't show: source frames that changed, and properties."""
    old, new = (resolve(film, "p", "default", 1, REFERENCES) for film in (before, after))
    for name, (was, now) in _pairs({"canvas": old.canvas}, {"canvas": new.canvas}):
        yield from _difference(name, was, now)
    for part in ("clips", "transitions", "captions"):
        for name, (was, now) in _pairs(_named(old, part), _named(new, part)):
            yield from _difference(name, was, now)
    tracks = ({track.id: track for track in timeline.tracks} for timeline in (old, new))
    for name, (was, now) in _pairs(*tracks):
        yield from _difference(name, was, now, but=("clips", "transitions", "captions"))
    markers = ({marker.id: marker for marker in timeline.markers} for timeline in (old, new))
    for name, (was, now) in _pairs(*markers):
        yield from _difference(name, was, now)
    shown_before, shown_after = _shown(before), _shown(after)
    for name, frames in shown_after.items():
        if shown_before.get(name, frames) != frames or name not in shown_before:
            yield f"{name} shows frames {frames}"


def _named(timeline: Timeline, part: str) -> dict[str, msgspec.Struct]:
    return {thing.id: thing for track in timeline.tracks for thing in getattr(track, part)}


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name in [*old, *(name for name in new if name not in old)]:
        if old.get(name) != new.get(name):
            yield name, (old.get(name), new.get(name))


_DRAWN: Final = ("id", "at", "frames", "source", "clips")


def _difference(
    name: str, old: msgspec.Struct | None, new: msgspec.Struct | None, but: Sequence[str] = ()
) -> Iterator[str]:
    if new is None:
        yield f"{name} is removed"
        return
    values = {}
    for field in msgspec.structs.fields(new):
        now = getattr(new, field.name)
        was = getattr(old, field.name) if old is not None else field.default
        if field.name not in (*_DRAWN, *but) and now != was:
            values[field.encode_name] = now
    source = getattr(new, "source", None)
    if old is not None and source != getattr(old, "source", None) and not isinstance(source, MediaSource):
        values["source"] = source
    if values:
        yield f"{name} has {msgspec.json.encode(values).decode()}"


def _shown(film: Film) -> dict[str, str]:
    """The source frames of each clip of a media, in order."""
    shown = {}
    for placed in film.clips():
        piece = placed.piece
        if isinstance(piece.source, MediaSource):
            frames = " ".join(str(shown_at(piece, frame)) for frame in range(piece.frames))
            shown[piece.id] = f"{frames} of {piece.source.media}"
        elif isinstance(piece.source, FreezeSource):
            shown[piece.id] = f"{piece.source.frame}, held, of {piece.source.media}"
    return shown


# --- arguments, from the schema


def arguments(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str, str]]:
    """Name, whether it must be given or its default, and what it may be, of every argument."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        if field.required:
            need = "required"
        elif field.default in (msgspec.UNSET, msgspec.NODEFAULT):
            need = "optional"
        else:
            need = f"default `{msgspec.json.encode(field.default).decode()}`"
        yield field.encode_name, need, words(field.type)


def words(kind: inspect.Type) -> str:
    """A type, as one says it."""
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            note = (extra or {}).get("description")
            return words(inner) + (f" ({note})" if note and note not in ("lowercase id", "#rrggbb") else "")
        case inspect.UnionType(types=types):
            animated = any(isinstance(one, inspect.StructType) and one.cls is Keyframes for one in types)
            rest = [one for one in types if not (isinstance(one, inspect.StructType) and one.cls is Keyframes)]
            said = [words(one) for one in rest]
            return " or ".join(dict.fromkeys(said)) + (" ◆" if animated else "")
        case inspect.StrType(pattern=pattern) if pattern == ID_PATTERN:
            return "id"
        case inspect.StrType(pattern=pattern) if pattern and pattern.startswith("^#"):
            return "`#rrggbb`"
        case inspect.StrType(max_length=most):
            return "text" + (f", at most {most:,} characters" if most else "")
        case inspect.IntType():
            return _range("integer", kind.ge, kind.gt, kind.le, kind.lt)
        case inspect.FloatType():
            return _range("number", kind.ge, kind.gt, kind.le, kind.lt)
        case inspect.BoolType():
            return "`true` or `false`"
        case inspect.NoneType():
            return "`null`"
        case inspect.LiteralType(values=values):
            return " or ".join(f"`{json.dumps(value)}`" for value in values)
        case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
            return f"list of {least or 0} to {most:,}: {words(item)}"
        case inspect.DictType(value_type=value):
            return f"object: name to {words(value)}"
        case inspect.StructType(cls=cls) if cls is Fps:
            return "`[num, den]`"
        case inspect.StructType(cls=cls, fields=fields):
            return f"{cls.__name__} `{{{', '.join(field.encode_name for field in fields)}}}`"
        case _:
            return type(kind).__name__


def _range(noun: str, ge: float | None, gt: float | None, le: float | None, lt: float | None) -> str:
    low = f"{ge:,}" if ge is not None else f"more than {gt:,}" if gt is not None else None
    high = f"{le:,}" if le is not None else f"less than {lt:,}" if lt is not None else None
    if low is None or high is None:
        return noun
    return f"{noun}, {low} to {high}"


# --- the page


def diagrams() -> dict[str, str]:
    """The diagram of each op: of the docstring of the function that does it."""
    found = {}
    for tag, kind in KINDS.items():
        _, _, rest = (DEFINITIONS[kind].apply.__doc__ or "").partition("\n")
        assert "    before" in rest, f"the function of {tag} has no diagram"
        found[tag] = textwrap.dedent(rest[rest.index("    before") :]).rstrip()
    return found


def section(tag: str, diagram: str, example: Example) -> Iterator[str]:
    """All that there is to say of one op."""
    kind = KINDS[tag]
    yield f"### {tag}\n"
    yield " ".join((kind.__doc__ or "").split()) + "\n"
    yield "| argument | | |\n|---|---|---|"
    for name, need, said in arguments(kind):
        escaped = said.replace("|", "\\|")
        yield f"| `{name}` | {need} | {escaped} |"
    yield ""
    yield f"```text\n{diagram}\n```\n"
    before = run(example.given) if example.given else beginning()
    after = run([example.op], before)
    if example.given:
        yield f"Example, after\n\n```json given\n{_json(example.given)}\n```\n"
    else:
        yield "Example\n"
    yield f"```json ops\n{_json([example.op])}\n```\n"
    told = "".join(f"\n{line}" for line in _told(before, after))
    yield f"```text before\n{_block(draw(before))}\n```\n"
    yield f"```text after\n{_block(draw(after))}{chr(10) + told if told else ''}\n```\n"
    if example.refused:
        yield "Rejected, for example:\n"
        for op in example.refused:
            pointer, detail = refusal(op, before)
            where = f"`{pointer}`" if pointer else "the op"
            yield f"- `{json.dumps(op)}`<br>{where}: {detail}"
        yield ""


def refusal(op: Mapping[str, Any], film: Film) -> tuple[str, str]:
    """The pointer and the sentence with which an op is refused."""
    try:
        run([op], film)
    except EditError as error:
        return error.pointer.removeprefix("/ops/0"), error.detail
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `")
        return path.rstrip("`").removeprefix("$[0]").replace("[...]", "/…").replace(".", "/"), sentence
    raise AssertionError(f"this op is not refused: {op}")


def _json(ops: Sequence[Mapping[str, Any]]) -> str:
    return "[\n" + ",\n".join("  " + json.dumps(op, ensure_ascii=False) for op in ops) + "\n]"


def _parameter(parameter: Parameter) -> str:
    match parameter:
        case Number(default=default, low=low, high=high, unit=unit):
            return f"number, {low:g} to {high:g}{' ' + unit if unit else ''}, default {default:g} ◆"
        case ColorValue(default=default):
            return f"`#rrggbb`, default `{default}`"
        case Choice(options=options):
            return f"one of {', '.join(options)}; by default `sound` on an audio track, else `picture`"
        case MediaValue():
            return "the id of a media; required"


def page() -> str:
    """The whole page. Raises if an example does not do what it should."""
    assert set(EXAMPLES) == set(KINDS), set(EXAMPLES) ^ set(KINDS)
    return "\n".join(_page()).rstrip() + "\n"


def _page() -> Iterator[str]:
    intro = (Path(__file__).parent / "edit_language_intro.md").read_text()
    yield intro.replace("{START}", _json(START)).replace("{DRAWING}", _block(draw(beginning())))
    yield "| op | |\n|---|---|"
    for names in GROUPS.values():
        for tag in names:
            first = " ".join((KINDS[tag].__doc__ or "").split()).partition(". ")[0].rstrip(".")
            yield f"| [`{tag}`](#{tag.replace('.', '').lower()}) | {first} |"
    yield ""
    drawings = diagrams()
    for group, names in GROUPS.items():
        yield f"## {group}\n"
        for tag in names:
            yield from section(tag, drawings[tag], EXAMPLES[tag])
    yield "## Values\n"
    for kind in (TextStyle, Crop, Keyframes):
        yield f"### {kind.__name__}\n\n{' '.join((kind.__doc__ or '').split())}\n\n| field | | |\n|---|---|---|"
        for name, need, said in arguments(kind):
            yield f"| `{name}` | {need} | {said} |"
        yield ""
    yield "### Effects\n\n| kind | | parameters |\n|---|---|---|"
    for name, effect in EFFECTS.items():
        params = "<br>".join(f"`{key}`: {_parameter(value)}" for key, value in effect.params.items()) or "none"
        yield f"| `{name}` | {effect.medium}: {effect.summary} | {params} |"
    yield "\n### Transitions\n\n" + ", ".join(f"`{name}`" for name in TRANSITIONS) + ".\n"
    yield "### Limits\n\n| | at most |\n|---|---|"
    for name, said in (
        ("MAX_OPS", "ops of a batch"),
        ("MAX_FRAMES", "frames of a project"),
        ("MAX_TRACKS", "tracks"),
        ("MAX_CLIPS", "clips"),
        ("MAX_KEYFRAMES", "keyframes of a value"),
        ("MAX_EFFECTS", "effects of a clip"),
        ("MAX_CAPTIONS", "captions of a track"),
        ("MAX_MARKERS", "markers"),
    ):
        yield f"| {said} | {getattr(limits, name):,} |"


def main(arguments: Sequence[str]) -> int:
    text = page()
    if "--check" in arguments:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.stderr.write("docs/EDIT-LANGUAGE.md is stale; run python -m docs.generate_edit_language\n")
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

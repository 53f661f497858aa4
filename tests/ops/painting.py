"""What a sequence shows, frame by frame, worked out the slow way: an oracle for small timelines."""

from __future__ import annotations

from operator import eq
from typing import NamedTuple

from cutlog.contract.ops import (
    ClipAdd,
    ClipFreeze,
    ClipMove,
    ClipRemove,
    ClipReverse,
    ClipRoll,
    ClipSlide,
    ClipSlip,
    ClipSpeed,
    ClipSplit,
    Op,
    TrackMove,
    TrackSet,
)
from cutlog.contract.properties import value_at
from cutlog.contract.timeline import ColorSource, FreezeSource, MediaSource, Speed, TextSource
from services.ops.edits.lane import Piece
from services.ops.edits.sequence import Sequence


class Cell(NamedTuple):
    """One frame of one track: what of which source is shown, and how."""

    what: str
    frame: int
    values: tuple[float, ...]


Row = list[Cell | None]
Paint = dict[str, Row]


def paint(sequence: Sequence) -> Paint:
    """Every frame of every track, without the gap at the end."""
    painting: Paint = {}
    for track in sequence.tracks:
        row: Row = []
        for placed in track.lane:
            row += [None] * (placed.at - len(row))
            row += [cell(placed.piece, k) for k in range(placed.piece.frames)]
        painting[track.id] = row
    return painting


def cell(piece: Piece, k: int) -> Cell:
    """The `k`-th frame of a clip."""
    values = (value_at(piece.opacity, k), value_at(piece.gain_db, k), *_fades(piece, k))
    match piece.source:
        case MediaSource(media=media, start=start, end=end):
            speed = piece.speed or Speed(num=1, den=1)
            step = (k * speed.num + speed.phase) // speed.den
            shown = end - 1 - step if piece.reversed else start + step
            assert start <= shown < end
            return Cell(media, shown, values)
        case FreezeSource(media=media, frame=frame):
            return Cell(media, frame, values)
        case TextSource(text=text):
            return Cell(f"text {text.text}", 0, (*values, value_at(text.x, k)))
        case ColorSource(color=color):
            return Cell(color, 0, values)


def _fades(piece: Piece, k: int) -> tuple[float, ...]:
    """How far the fades have come, in and out, of picture and sound."""
    levels = []
    for fade_in, fade_out in ((piece.fade_in, piece.fade_out), (piece.audio_fade_in, piece.audio_fade_out)):
        since, until = k + piece.head_cut, piece.frames - k + piece.tail_cut
        levels.append(min(1.0, since / fade_in) if fade_in else 1.0)
        levels.append(min(1.0, until / fade_out) if fade_out else 1.0)
    return tuple(levels)


def expected(before: Sequence, op: Op) -> Paint | None:
    """What an op that applied must have made of the picture; None for ops that this model does not draw."""
    painting = paint(before)
    match op:
        case ClipSplit() | TrackSet() | TrackMove():
            return painting
        case ClipRemove(clip=clip, ripple=ripple) if ripple != "all" and clip not in before.links:
            track, start, end = _where(before, clip)
            painting[track][start:end] = [] if ripple else [None] * (end - start)
        case ClipMove(clip=clip, at=at, mode=mode) if clip not in before.links:
            track, start, end = _where(before, clip)
            cells = painting[track][start:end]
            painting[track][start:end] = [None] * (end - start)
            _put(painting[op.track if isinstance(op.track, str) else track], cells, at, mode)
        case ClipAdd(start=int(first), end=int(last), media=str(media), properties=properties):
            if isinstance(properties, type(op.properties)) and not isinstance(properties, type(op.text)):
                return None
            cells = [Cell(media, frame, (1.0, 0.0, 1.0, 1.0, 1.0, 1.0)) for frame in range(first, last)]
            _put(painting[op.track], list(cells), op.at, op.mode)
        case ClipRoll(left=left, right=right, by=by):
            a, b = before.clip(left).placed, before.clip(right).placed
            row = painting[before.clip(left).track.id]
            _without_fades(row, a.at, b.end)
            for frame in range(min(a.end, a.end + by), max(a.end, a.end + by)):
                grown = (a.piece, frame - a.at) if by > 0 else (b.piece, frame - b.at)
                row[frame] = _source_only(*grown)
        case ClipSlide(clip=clip, by=by):
            track, start, end = _where(before, clip)
            row = painting[track]
            placed = before.clip(clip).placed
            lane = before.clip(clip).track.lane
            before_it, after_it = lane.place(placed.rank - 1), lane.place(placed.rank + 1)
            assert before_it
            assert after_it
            _without_fades(row, before_it.at, after_it.end)
            cells = row[start:end]
            for frame in range(start, start + by):
                row[frame] = _source_only(before_it.piece, frame - before_it.at)
            for frame in range(end + by, end):
                row[frame] = _source_only(after_it.piece, frame - after_it.at)
            row[start + by : end + by] = cells
        case ClipSlip(clip=clip, by=by):
            track, start, end = _where(before, clip)
            row = painting[track]
            row[start:end] = [c and c._replace(frame=c.frame + by) for c in row[start:end]]
        case ClipSpeed(clip=clip, num=num, den=den, ripple=ripple) if ripple != "all":
            track, start, end = _where(before, clip)
            piece = before.clip(clip).placed.piece
            assert isinstance(piece.source, MediaSource)
            shown = list(range(piece.source.start, piece.source.end))
            shown = shown[::-1] if piece.reversed else shown
            cells = []
            while len(cells) * num // den < len(shown):
                cells.append(Cell(piece.source.media, shown[len(cells) * num // den], ()))
            new: Row = list(cells)
            if not ripple:
                new += [None] * (end - start - len(cells))
                end = max(end, start + len(cells))
            painting[track][start:end] = new
        case ClipReverse(clip=clip, reversed=backwards):
            track, start, end = _where(before, clip)
            piece = before.clip(clip).placed.piece
            row = painting[track]
            assert isinstance(piece.source, MediaSource)
            mirror = piece.source.start + piece.source.end - 1
            if backwards != piece.reversed:
                row[start:end] = [c and c._replace(frame=mirror - c.frame) for c in row[start:end]]
        case ClipFreeze(clip=clip, at=at, frames=frames):
            track, _, _ = _where(before, clip)
            row = painting[track]
            held = row[at]
            assert held is not None
            row[at:at] = [held._replace(values=())] * frames
        case _:
            return None
    return painting


def same(left: Row, right: Row) -> bool:
    """Whether two rows show the same; values that one leaves out stand for any."""
    left, right = _stripped(left), _stripped(right)
    return len(left) == len(right) and all(map(_alike, left, right))


def _alike(left: Cell | None, right: Cell | None) -> bool:
    if left is None or right is None:
        return left is right
    return left[:2] == right[:2] and all(map(eq, left.values, right.values))


def _without_fades(row: Row, start: int, end: int) -> None:
    """Fades stay at the edges of clips, so those of clips whose edges move are not compared."""
    row[start:end] = [cell and cell._replace(values=cell.values[:2]) for cell in row[start:end]]


def _stripped(row: Row) -> Row:
    while row and row[-1] is None:
        row = row[:-1]
    return row


def _where(sequence: Sequence, clip: str) -> tuple[str, int, int]:
    found = sequence.clip(clip)
    return found.track.id, found.placed.at, found.placed.end


def _source_only(piece: Piece, k: int) -> Cell:
    """A frame of a handle: its values follow the clip's edge, so they are not compared."""
    grown = piece.source
    match grown:
        case MediaSource(media=media, start=start, end=end):
            speed = piece.speed or Speed(num=1, den=1)
            step = (k * speed.num + speed.phase) // speed.den
            return Cell(media, end - 1 - step if piece.reversed else start + step, ())
        case _:
            return cell(piece, k)._replace(values=())


def _put(row: Row, cells: Row, at: int, mode: str) -> None:
    row += [None] * (at - len(row))
    if mode == "insert":
        row[at:at] = cells
    else:
        row[at : at + len(cells)] = cells

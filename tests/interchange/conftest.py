"""The converter, and imports into an empty project."""

from __future__ import annotations

import lzma
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutlog.contract.answers.edits import Loss
from cutlog.contract.media import MediaFacts
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Known, Material
from services.ops.interchange.batch import Batch
from services.ops.interchange.converter import Converter, ReadFormat
from services.ops.interchange.losses import Ledger
from services.ops.interchange.matching import Asset, Library
from services.ops.interchange.reading import canvas_of, opened, read, wanted
from tests.interchange.histories import MEDIA

FPS = Fps(24, 1)
SAMPLES = Path(__file__).with_name("samples")
#: Whatever a sample names: more than a day of picture and sound.
ENDLESS = Material(
    "video", MediaFacts(container="mov", duration="99999", fps=Fps(24, 1), frames=2_400_000, audio_codec="pcm")
)


class Brought(msgspec.Struct, frozen=True):
    """What an import made."""

    sequence: Sequence
    losses: tuple[Loss, ...]

    def lanes(self) -> dict[str, list[tuple[Any, ...]]]:
        """Per track: id, place, length and first source frame of each clip (or the kind of its source)."""
        return {
            track.id: [
                (
                    placed.piece.id,
                    placed.at,
                    placed.piece.frames,
                    getattr(placed.piece.source, "start", placed.piece.source.__struct_config__.tag),
                )
                for placed in track.lane
            ]
            for track in self.sequence.tracks
        }

    def lost(self) -> set[str]:
        """What was lost, but for names, which all files have."""
        return {loss.what for loss in self.losses} - {"name"}


KINDS: dict[str, ReadFormat] = {
    "otio": "otio", "edl": "edl", "xml": "fcp7xml", "fcpxml": "fcpxml", "kdenlive": "kdenlive", "aaf": "aaf",
}  # fmt: skip
Bring = Callable[..., Awaitable[Brought]]


def imported(document: Any, library: Library | None = None, material: Material = ENDLESS) -> Brought:
    """A decoded OpenTimelineIO document in an empty project, with the media of `histories` in a library; without one
    all media are there, named as wanted."""
    losses = Ledger()
    told = opened(document, losses)
    sources = MEDIA
    if library is None:
        names = sorted(names[0] for want in wanted(told) if (names := want.names))
        sources = Known({f"m{number}": material for number in range(len(names))})
        library = Library(Asset(f"m{number}", "", name, material) for number, name in enumerate(names))
    canvas, exact = canvas_of(told, Canvas())
    draft = read(told, canvas, exact, library, lambda _: False, losses)
    batch = Batch(Sequence("p", Canvas()), sources, losses)
    batch.build(draft, "replace")
    return Brought(batch.sequence, losses.report())


@pytest.fixture
def converter() -> Converter:
    return Converter("auto")


@pytest.fixture
def bring(converter: Converter) -> Bring:
    """`bring("gap_test.edl", Fps(24, 1))`: a sample, imported."""

    async def bringing(name: str, fps: Fps = FPS) -> Brought:
        path = SAMPLES / name
        document = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        return imported(await converter.read(KINDS[name.removesuffix(".xz").rpartition(".")[2]], fps, document))

    return bringing

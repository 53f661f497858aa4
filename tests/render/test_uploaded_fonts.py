"""Titles and captions in fonts that were uploaded: in exports, proxies and frames alike, and in no other title."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from cutlog.contract.media import FontAxis, FontFace, FontFacts, MediaFacts, Renditions, nearest
from cutlog.contract.timeline import Caption, MediaRef, Timeline
from services.render.plan.profiles import EXPORTS
from services.render.plan.segments import MediaNotReadyError, plan
from services.render.produce.lettering import FONTS
from services.render.produce.sources import SourceGoneError
from services.render.produce.still import Stills
from tests.render.studio import Studio
from tests.render.timelines import lane, timeline, title
from tests.support import typefaces
from tests.support.painting import pictures
from tests.support.typefaces import VARIABLE

slow = pytest.mark.slow(reason="renders one more example of its kind")

SIZE = (320, 180)


def film(font: MediaRef | None, text: str = "Hamburg", **style: object) -> Timeline:
    named = {} if font is None else {"font": font.id}
    library = [] if font is None else [font]
    return timeline(lane(title(0, 2, text, size=0.3, **named, **style)), library=library, size=SIZE)


async def ink(studio: Studio, of: Timeline, version: int) -> int:
    """How bright the first frame of an export is, all in all."""
    made = await studio.export(msgspec.structs.replace(of, version=version))
    return int(next(pictures(studio.path(made))).astype(np.int64).sum())


@slow
async def test_a_title_has_its_font_and_weight_and_others_have_theirs(studio: Studio) -> None:
    font = await studio.ingest("f1", VARIABLE)
    plain = await ink(studio, film(None), 1)
    regular = await ink(studio, film(font), 2)
    thin, black = await ink(studio, film(font, weight=100), 3), await ink(studio, film(font, weight=900), 4)
    assert plain != regular
    assert thin < regular < black
    # In one run with a title of that font, a built-in one looks as it does alone.
    both = timeline(
        lane(title(0, 2, "Hamburg", size=0.3, font="f1"), title(2, 2, "Hamburg", size=0.3)), library=[font], size=SIZE
    )
    made = await studio.export(msgspec.structs.replace(both, version=5))
    seen = [int(picture.astype(np.int64).sum()) for picture in pictures(studio.path(made))]
    assert seen[0] == pytest.approx(regular, rel=0.01)
    assert seen[2] == pytest.approx(plain, rel=0.01)


@slow
async def test_export_proxy_and_frame_agree(studio: Studio) -> None:
    font = await studio.ingest("f1", VARIABLE)
    words = title(0, 2, "Hamburg", size=0.3, font="f1", weight=800)
    of = timeline(lane(words), library=[font], size=(854, 480))
    exported = next(pictures(studio.path(await studio.export(of)))).astype(int)
    proxied = next(pictures(studio.path(await studio.proxy(of)))).astype(int)
    still = await Stills(studio.maker, studio.blobs, slots=1).still(of, 0, None, "png")
    path = studio.blobs.root / "still.png"
    path.write_bytes(still.data)
    shown = next(pictures(path)).astype(int)
    assert np.abs(exported - shown).mean() < 3
    assert proxied.shape == exported.shape and np.abs(proxied - exported).mean() < 6


@slow
async def test_what_the_font_lacks_comes_from_the_shipped_ones(studio: Studio) -> None:
    font = await studio.ingest("f1", VARIABLE)
    assert await ink(studio, film(font, "你好"), 1) == pytest.approx(await ink(studio, film(None, "你好"), 2), rel=0.02)


@slow
async def test_a_font_brings_characters_that_no_other_has(studio: Studio, tmp_path: Path) -> None:
    own = tmp_path / "own.ttf"
    own.write_bytes(typefaces.scattered(typefaces.RUNIC, [0x20, 0xE000]))
    font = await studio.ingest("f1", own)
    nothing = await ink(studio, film(None, " "), 1)
    assert await ink(studio, film(font, "\ue000"), 2) > nothing


@slow
async def test_a_font_that_is_called_like_a_shipped_one_stays_itself(studio: Studio, tmp_path: Path) -> None:
    imposter = tmp_path / "sans.ttf"
    imposter.write_bytes(typefaces.called(typefaces.RUNIC, "DejaVu Sans"))
    font = await studio.ingest("f1", imposter)
    plain = await ink(studio, film(None, "ᚠ Ham"), 1)
    mixed = timeline(
        lane(title(0, 2, "ᚠ Ham", size=0.3), title(2, 2, "ᚠ", size=0.3, font="f1")), library=[font], size=SIZE
    )
    made = await studio.export(msgspec.structs.replace(mixed, version=2))
    assert int(next(pictures(studio.path(made))).astype(np.int64).sum()) == pytest.approx(plain, rel=0.01)


@slow
async def test_burned_captions_are_drawn_in_the_font_of_their_track(studio: Studio) -> None:
    font = await studio.ingest("f1", VARIABLE)
    said = Caption(id="s", start=0, end=2, text="Hamburg")
    ground = title(0, 2, " ")
    usual = timeline(lane(ground, captions=(said,)), library=[font], size=SIZE)
    branded = timeline(lane(ground, captions=(said,), caption_font="f1"), library=[font], size=SIZE)
    assert await ink(studio, usual, 1) != await ink(studio, branded, 2)


def _named(of: Timeline) -> str:
    (segment,) = plan(of, EXPORTS["mp4"], "e").encoded()
    return segment


async def test_segments_are_named_by_the_fonts_content(studio: Studio) -> None:
    """Not by its id; and titles in built-in fonts by neither."""
    font = await studio.ingest("f1", VARIABLE)
    again = msgspec.structs.replace(font, id="f2")
    assert _named(film(font)) == _named(film(again))
    assert font.renditions.master
    master = msgspec.structs.replace(font.renditions.master, sha256="ab" * 32)
    other = msgspec.structs.replace(font, renditions=Renditions(master=master))
    assert len({_named(film(font)), _named(film(other)), _named(film(None)), _named(film(font, weight=900))}) == 4


@slow
async def test_a_font_that_is_not_there_is_told(studio: Studio) -> None:
    font = await studio.ingest("f1", VARIABLE)
    with pytest.raises(MediaNotReadyError, match="font f1 is processing"):
        await studio.export(film(msgspec.structs.replace(font, status="processing")))
    assert font.renditions.master
    studio.blobs.path(font.renditions.master.key).unlink()
    with pytest.raises(ExceptionGroup) as gone:
        await studio.export(film(font))
    assert gone.group_contains(SourceGoneError)


def _face(family: str, weight: int, italic: bool = False, *axes: FontAxis) -> FontFace:
    return FontFace(family=family, style="", weight=weight, italic=italic, axes=axes)


@pytest.mark.parametrize(("weight", "face"), [(None, 0), (400, 0), (800, 2), (550, 2), (549, 0), (1, 0), (250, 0)])
def test_of_a_collection_the_face_with_the_nearest_weight_is_taken(weight: int | None, face: int) -> None:
    faces = (_face("A", 400), _face("B", 800), _face("A", 700), _face("A", 100, True))
    assert nearest(FontFacts(faces=faces, coverage=""), weight) == face


def test_a_variable_face_has_all_weights_of_its_axis() -> None:
    wght = FontAxis(tag="wght", low=100, default=400, high=600)
    faces = (_face("A", 400, False, wght), _face("A", 700))
    facts = MediaFacts(container="ttc", duration="0", font=FontFacts(faces=faces, coverage=""))
    assert facts.font
    assert [nearest(facts.font, weight) for weight in (100, 600, 690)] == [0, 0, 1]


@slow
async def test_a_collection_is_drawn_with_by_the_face_of_a_weight(studio: Studio, tmp_path: Path) -> None:
    both = tmp_path / "both.ttc"
    both.write_bytes(typefaces.collection(*(FONTS / "noto" / f"NotoSans-{of}.ttf" for of in ("Regular", "Bold"))))
    font = await studio.ingest("f1", both)
    regular, bold = await ink(studio, film(font), 1), await ink(studio, film(font, weight=700), 2)
    assert regular == pytest.approx(await ink(studio, film(font, weight=300), 3), rel=0.01)
    assert bold > 1.1 * regular

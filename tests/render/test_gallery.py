"""The gallery has a picture of everything that the edit language can show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, get_args

from cutlog.contract.clip_ops import ClipProperties
from cutlog.contract.effects import EFFECTS, TRANSITIONS
from cutlog.contract.fonts import BUILT_IN
from cutlog.contract.timeline import Blend, Fit, Source, TextFit, TextStyle
from tests.support.painting import pictures

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = (DOCS / "GALLERY.md").read_text()

#: Of a clip: what is heard, and what has a section of its own.
_ELSEWHERE: Final = {"enabled", "fit", "blend", "gainDb", "pan", "audioFadeIn", "audioFadeOut"}
#: Of a text: what every picture of one shows.
_ALWAYS: Final = {"text", "font", "size", "color", "x", "y"}

#: Pictures that are one colour all over, as they should.
_ONE_COLOUR: Final = {"clips-color", "transitions-circle-crop", "transitions-rect-crop", "transitions-fade-black"}


def shown(heading: str) -> set[str]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {name for names in re.findall(r"!\[([^]]+)\]", section) for name in (names, *names.split(" and "))}


def test_every_effect_transition_blend_and_fit_has_a_picture() -> None:
    assert shown("Effects") == {kind for kind, of in EFFECTS.items() if of.medium != "sound"}
    assert shown("Transitions") == set(TRANSITIONS)
    assert shown("Blend modes") == set(get_args(Blend)) - {"normal"}
    assert shown("Fit") == set(get_args(Fit))


def test_every_property_of_a_clips_picture_has_a_picture() -> None:
    fields = set(ClipProperties.__struct_encode_fields__) - _ELSEWHERE
    assert fields
    assert fields <= shown("Place and look")


def test_every_part_of_a_text_has_a_picture() -> None:
    assert set(TextStyle.__struct_encode_fields__) - _ALWAYS <= shown("Text")
    assert {*BUILT_IN} - {"sans"} <= shown("Text")
    assert {"right to left", "captions", "uploaded font"} <= shown("Text")
    assert {f"fit {fit}" for fit in get_args(TextFit)} - {"fit none"} <= shown("Text")


def test_titles_of_twelve_scripts_and_more_are_shown() -> None:
    assert len(shown("Scripts")) >= 12


def test_every_kind_of_clip_has_a_picture() -> None:
    kinds = {str(kind.__struct_config__.tag) for kind in get_args(Source)}
    assert kinds - {"media", "text"} <= shown("Clips")
    assert {"footage", "image", "speed 4", "speed 1/4", "reverse"} <= shown("Clips")


def test_every_picture_is_there_and_is_none_of_the_others() -> None:
    files = re.findall(r"\]\((gallery/[^ ]+) ", PAGE)
    assert len(set(files)) == len(files) > 90
    assert {DOCS / file for file in files} == set((DOCS / "gallery").glob("*.jpg"))
    seen: dict[bytes, str] = {}
    for file in files:
        image = next(pictures(DOCS / file))
        if Path(file).stem not in _ONE_COLOUR:
            assert float(image.std()) > 8, file
            assert seen.setdefault(image.tobytes(), file) == file

"""Titles: every script has letters of its own, lines end where they should, and nothing is read as markup."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from cutlog.contract.letters import shipped
from cutlog.contract.shipped import RANGES
from cutlog.contract.timeline import Box, Stroke, TextStyle
from cutlog.hosting.installed_fonts import characters, ranges
from services.render.compile.titles import LARGEST, drawing
from services.render.plan.layers import Words
from services.render.produce.lettering import Letterer, folders_of_fonts

Alpha = NDArray[np.uint8]
SIZE = (320, 180)

#: Titles as users have them: every character must have a picture of its own.
TITLES = (
    "สวัสดีครับ ภาษาไทย",
    "你好，世界",
    "こんにちは世界",
    "안녕하세요",
    "नमस्ते",
    "السلام عليكم",
    "שלום",
    "বাংলা தமிழ் తెలుగు ಕನ್ನಡ മലയാളം ગુજરાતી ਪੰਜਾਬੀ සිංහල",
    "ខ្មែរ ລາວ မြန်မာ བོད་",
    "አማርኛ ქართული Հայերեն ᏣᎳᎩ",
    "Ελληνικά Русский Tiếng Việt",
    "😀🎉👍🇹🇭",
)


async def drawn(tmp_path: Path, *titles: Words, size: tuple[int, int] = SIZE) -> list[Alpha]:
    """What each text covers, 0 to 255."""
    drawings = {f"{number}.png": drawing(words, size, "letters")[0] for number, words in enumerate(titles)}
    await Letterer("auto").draw(drawings, tmp_path)
    return [_alpha(tmp_path / name) for name in drawings]


def _alpha(path: Path) -> Alpha:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgba")[:, :, 3].astype(np.uint8)


def words(text: str, **style: object) -> Words:
    return Words(TextStyle(text=text, **({"size": 0.2} | style)), 0.5, 0.5)  # type: ignore[arg-type]


def letters(texts: Iterable[str]) -> list[str]:
    """The characters of texts that are pictures by themselves, not marks upon others."""
    seen = dict.fromkeys("".join(texts))
    return [each for each in seen if unicodedata.category(each)[0] in "LNS"]


async def test_each_character_has_a_picture_of_its_own(tmp_path: Path) -> None:
    wanted = letters(TITLES)
    pictures = await drawn(tmp_path, words("\ue000"), *map(words, wanted), size=(64, 64))
    assert all(picture.any() for picture in pictures[1:])
    same: dict[bytes, str] = {pictures[0].tobytes(): "what no font has"}
    doubles = {
        (other, each)
        for each, picture in zip(wanted, pictures[1:], strict=True)
        if (other := same.setdefault(picture.tobytes(), each)) != each
    }
    assert {pair for pair in doubles if not _alike(*pair)} == set()


def _alike(one: str, other: str) -> bool:
    """Whether two characters may look the same: letters of the alphabets of Europe, such as A, Α and А."""
    return max(one, other) < "\u0530"


def test_the_table_of_characters_is_that_of_the_fonts() -> None:
    found = " ".join(
        f"{first:x}" if first == last else f"{first:x}-{last:x}"
        for first, last in ranges(characters(folders_of_fonts()))
    )
    assert found == RANGES.rstrip()


@pytest.mark.parametrize("text", TITLES)
def test_the_titles_of_the_world_are_accepted(text: str) -> None:
    assert shipped().lacking(text + "\r\n👩‍👩‍👧‍👦 ❤️ \u200f\u2066") == []


def test_what_no_font_has_is_named() -> None:
    assert shipped().lacking("a\ue000b\U0010fffd\ue000") == ["\ue000", "\U0010fffd"]


async def test_the_text_is_never_markup(tmp_path: Path) -> None:
    """Typst would draw the first as one bold letter, or nothing."""
    markup, plain = await drawn(tmp_path, words("*#h(1pt)$x$*", size=0.1), words("x", size=0.1))
    assert (markup > 0).any(axis=0).sum() > 5 * (plain > 0).any(axis=0).sum()


async def test_a_text_stands_around_its_place(tmp_path: Path) -> None:
    middle, corner, foot = await drawn(
        tmp_path,
        words("HHH", align="left"),
        Words(TextStyle(text="HHH", size=0.2), 0.25, 0.75),
        Words(TextStyle(text="HHH", size=0.2), 0.5, 0.9, caption=True),
    )
    assert _centre(middle) == pytest.approx((160, 90), abs=4)
    assert _centre(corner) == pytest.approx((80, 135), abs=4)
    assert np.flatnonzero(foot.any(axis=1))[-1] < 0.9 * 180


def _centre(alpha: Alpha) -> tuple[float, float]:
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    return (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2


async def test_a_line_that_is_too_wide_is_fitted(tmp_path: Path) -> None:
    text = "A title that is rather too long for its line"
    narrow = (words(text, size=0.1, fit=fit, max_width=0.5) for fit in ("shrink", "wrap", "ellipsis"))
    whole, small, many, short = await drawn(tmp_path, words(text, size=0.1), *narrow)
    assert np.ptp(np.flatnonzero(whole.any(axis=0))) > 280
    for fitted in (small, many, short):
        assert 120 < np.ptp(np.flatnonzero(fitted.any(axis=0))) <= 162
    high = [np.ptp(np.flatnonzero(each.any(axis=1))) for each in (small, short, many)]
    assert high[0] < high[1] < high[2]


@pytest.mark.parametrize(
    "text",
    ["ภาษาไทยไม่มีช่องว่างระหว่างคำเลยแม้แต่น้อย", "你好世界你好世界你好世界你好世界", "Donaudampfschifffahrtsgesellschaft"],
)
async def test_scripts_without_spaces_and_long_words_stay_within_their_width(tmp_path: Path, text: str) -> None:
    (found,) = await drawn(tmp_path, words(text, size=0.15, fit="wrap", max_width=0.4))
    assert np.ptp(np.flatnonzero(found.any(axis=0))) <= 0.4 * 320 + 4


async def test_cr_lf_is_one_line_break(tmp_path: Path) -> None:
    one, other, twice = await drawn(tmp_path, *map(words, ("a\nb", "a\r\nb", "a\n\nb")))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, twice)


async def test_the_direction_of_a_text_is_that_of_its_first_letter(tmp_path: Path) -> None:
    """The full stop of a Hebrew sentence stands at its left."""
    (found,) = await drawn(tmp_path, words("שלום.", size=0.4))
    columns = np.flatnonzero(found.any(axis=0))
    left, right = found[:, columns[0] : columns[0] + 8], found[:, columns[-1] - 8 : columns[-1]]
    assert left.any(axis=1).sum() < 15 < right.any(axis=1).sum()


async def test_the_line_around_letters_lies_outside_of_them(tmp_path: Path) -> None:
    plain, lined = await drawn(tmp_path, words("I"), words("I", stroke=Stroke(width=0.02)))
    assert np.flatnonzero(lined.any(axis=0)).size - np.flatnonzero(plain.any(axis=0)).size in range(6, 10)


async def test_a_moving_text_is_drawn_once_with_all_that_passes_by(tmp_path: Path) -> None:
    made, x, y = drawing(Words(TextStyle(text="Hi"), (0.0, 0.5, 1.0), 0.5), SIZE, "letters")
    assert (made.page, made.at) == ((2 * 320, 180), (320, 90))
    assert y == "0"
    assert x.endswith("-320")


def test_however_far_a_text_moves_its_drawing_stays_small() -> None:
    for size in (SIZE, (1920, 1080), (8192, 8192)):
        made, _, _ = drawing(Words(TextStyle(text="Hi", box=Box()), (-4.0, 4.0), (4.0, -4.0)), size, "letters")
        assert made.page[0] * made.page[1] <= max(LARGEST, size[0] * size[1])

"""Files of captions as people have them: what can be shown is kept, and what can't is told with its line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ops.captions.found import MAX_CUES, MAX_DROPPED, Found, UnreadableError
from services.ops.captions.reading import CaptionFormat, read
from services.ops.interchange.captions import CaptionReader

FILES = Path(__file__).with_name("captions")
FORMATS: list[CaptionFormat] = ["srt", "vtt", "sbv", "ass", "ssa", "ttml"]
Cues = list[tuple[int, int, str]]


def reading(name: str) -> Found:
    kinds: dict[str, CaptionFormat] = {f".{kind}": kind for kind in FORMATS}
    path = FILES / name
    return read(kinds[path.suffix], path.read_bytes())


#: A file, the captions in it, and the lines of what was dropped.
REPORTED: list[tuple[str, Cues, list[int]]] = [
    ("no-milliseconds.srt", [(20_000, 24_000, "I also")], []),
    ("blank-line-in-text.srt", [(1000, 2000, "line one\nline two"), (3000, 4000, "Yo")], []),
    ("zero-duration.srt", [(3000, 4000, "Yo")], [2]),
    ("cues-without-blank-line.srt", [(1000, 2000, "one"), (3000, 4000, "Yo")], []),
    ("entities.vtt", [(1000, 2000, 'Don\'t "go" & é')], []),
    ("one-bad-cue.vtt", [(3000, 4000, "Yo")], [3]),
]


@pytest.mark.parametrize(("name", "cues", "dropped"), REPORTED, ids=[row[0] for row in REPORTED])
def test_what_was_reported_of_other_programs_is_right_here(name: str, cues: Cues, dropped: list[int]) -> None:
    found = reading(name)
    assert found.cues == cues
    assert [line for line, _ in found.dropped] == dropped


#: A file of another project: how many captions, the first of them, the lines dropped, and what else is told.
OTHERS: list[tuple[str, int, tuple[int, int, str], list[int], set[str]]] = [
    ("captions_with_bom.vtt", 4, (500, 7000, "Caption text #1"), [], set()),
    ("invalid_timeframe.sbv", 3, (378, 11_378, "Caption text #1"), [7, 13], set()),
    ("missing_timeframe.vtt", 6, (500, 7000, "Caption text #1"), [6], set()),
    ("non_padded_timestamps.vtt", 3, (0, 3540, "Good morning everyone."), [], {"style"}),
    ("regions.vtt", 2, (0, 20_000, "Hi, my name is Fred"), [], {"region", "position"}),
    ("styles_colours.srt", 6, (7120, 9480, "Musique douce"), [], {"style"}),
    ("youtube_dl.vtt", 4, (286_070, 286_470, "yeah"), [], {"position"}),
    ("ttml_example.ttml", 11, (760, 3450, "It seems a paradox, does it not,"), [], {"stylesheet", "region", "style"}),
    ("ttml_example2.ttml", 10, (1375, 5750, "TOP SAMPLE TEXT"), [], {"stylesheet", "region", "position"}),
    ("ttml_example2.ass", 10, (1380, 5750, "TOP SAMPLE TEXT"), [], {"stylesheet"}),
]


@pytest.mark.parametrize(("name", "count", "first", "dropped", "lost"), OTHERS, ids=[row[0] for row in OTHERS])
def test_files_of_other_projects_are_read(
    name: str, count: int, first: tuple[int, int, str], dropped: list[int], lost: set[str]
) -> None:
    found = reading(name)
    assert (len(found.cues), found.cues[0]) == (count, first)
    assert [line for line, _ in found.dropped] == dropped
    assert set(found.lost) == lost


T = "00:00:01,000 --> 00:00:02,000\n"
U = "00:00:03,000 --> 00:00:04,000\n"
A, B = (1000, 2000, "a"), (3000, 4000, "b")
SPOKEN: list[tuple[CaptionFormat, str, Cues, list[int]]] = [
    ("srt", "1\n0:0:1,5 --> 0:0:2.25\na\n", [(1500, 2250, "a")], []),
    ("srt", "1\n00:01,000 --> 00:02,000\na\n", [A], []),
    ("srt", f"{T}a\n\n{U}b", [A, B], []),
    ("srt", f"1\n\n{T}a\n\n2\n\n{U}b", [A, B], []),
    ("srt", f"{T}1984\n\n{U}b", [(1000, 2000, "1984"), B], []),
    ("srt", f"1\n{T}9\n\n8\n\n2\n{U}b", [(1000, 2000, "9\n8"), B], []),
    ("srt", f"\n\n \n1\n{T}\n\na\n\n\n2\n{U}\n", [A], [12]),
    ("srt", f"1\n{T}a\n2\n00:00:9x,000 --> 00:00:04,000\nlost\n3\n{U}b", [A, B], [5]),
    ("srt", f"hello\n\n1\n{T}a", [A], [1]),
    ("srt", f"1\n{T}a &lt;b&gt; &amp; R&D {{\\an8}}<i>c</i><br>d", [(1000, 2000, "a <b> & R&D c\nd")], []),
    ("srt", f"1\n-{T}a\n2\n-00:00:02,000 --> -00:00:01,000\nb", [(0, 2000, "a")], [5]),
    ("srt", "1\n00:00:02,000 --> 00:00:01,000\na\n", [], [2]),
    ("srt", f"1\n{T}{'x' * 2001}\n2\n{U}b", [B], [2]),
    ("srt", f"1\n{T}a\x07\x1b[31m", [(1000, 2000, "a[31m")], []),
    ("vtt", "WEBVTT\n00:01.000 --> 00:02.000\na", [A], []),
    ("vtt", "WEBVTT x\nKind: y\n\n00:01.000 --> 00:02.000\na\n00:03.000 --> 00:04.000\nb", [A, B], []),
    ("vtt", "00:01.000 --> 00:02.000\na", [A], []),
    ("vtt", "WEBVTT\n\n00:01.000 --> 00:99.000\na\n\n00:03.000-->00:04.000 line:0\nb", [B], [3]),
    ("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\na\n\nno time\n\n1\n00:03.000 --> 00:04.000\nb", [A, B], [6]),
    ("vtt", "WEBVTT\n\nNOTE\nx --> y\n\n00:01.000 --> 00:02.000\n<v Ann>a</v>", [A], [4]),
    ("sbv", "0:00:01.000,0:00:02.000\na\n\n0:00:03.000,0:00:04.000\nb\n", [A, B], []),
    ("sbv", "0:00:01.000,0:00:02.000\na\n\nc\n0:00:0x.000,0:00:04.000\nb", [(1000, 2000, "a\nc")], [5]),
    (
        "ass",
        "[Script Info]\n[Events]\nFormat: Layer, Start, End, Text\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,{\\i1}b{\\i0}\nComment: 0,0:00:01.00,0:00:02.00,no\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,a, with a comma\\Nand\\hmore\nDialogue: 0,x,y,z\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,{\\p1}m 0 0 l 1 1",
        [(1000, 2000, "a, with a comma\nand\xa0more"), B],
        [7, 8],
    ),
    (
        "ssa",
        "[Events]\nFormat: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: Marked=0,0:00:01.00,0:00:02.00,Default,,0,0,0,,a",
        [A],
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "content", "cues", "dropped"), SPOKEN)
def test_files_are_read_as_players_read_them(kind: CaptionFormat, content: str, cues: Cues, dropped: list[int]) -> None:
    found = read(kind, content.encode())
    assert found.cues == cues
    assert [line for line, _ in found.dropped] == dropped


TT = '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" %s><body%s>%s</body></tt>'
TIMED: list[tuple[str, Cues, list[int]]] = [
    (TT % ("", "", '<div><p begin="1s" end="2s"> a\n </p><p begin="00:00:03" dur="1000ms">b</p></div>'), [A, B], []),
    (TT % ("", ' begin="1s"', '<div><p end="1s">a</p><p begin="2s" end="3s">b</p></div>'), [A, B], []),
    (TT % ("", ' timeContainer="seq"', '<p begin="1s" dur="1s">a</p><p begin="1s" dur="1s">b</p>'), [A, B], []),
    (TT % ("", "", '<p><span begin="1s" end="2s">a</span> <span begin="3s" end="4s">b</span></p>'), [A, B], []),
    (TT % ("", "", '<p begin="1s" end="2s"><span begin="0s">x</span><br/><span begin="1s">y</span></p>'),
     [(1000, 2000, "x\ny")], []),
    (TT % ('ttp:frameRate="25"', "", '<p begin="25f" end="00:00:02:00">a</p>'), [A], []),
    (TT % ('ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001"', "", '<p begin="0f" end="30f">a</p>'),
     [(0, 1001, "a")], []),
    (TT % ('ttp:tickRate="10000000"', "", '<p begin="10000000t" end="20000000t">a</p>'), [A], []),
    (TT % ("", "", '<p begin="noon" end="2s">a</p>\n<p begin="3s" end="4s">b</p>\n<p begin="5s">c</p>'), [B], [1, 3]),
    (TT % ("", "", '<p begin="1s" end="2s" xml:space="preserve">a\nb</p>'), [(1000, 2000, "a\nb")], []),
]  # fmt: skip


@pytest.mark.parametrize(("content", "cues", "dropped"), TIMED)
def test_timed_text_is_shown_when_its_elements_are(content: str, cues: Cues, dropped: list[int]) -> None:
    found = read("ttml", content.encode())
    assert found.cues == cues
    assert [line for line, _ in found.dropped] == dropped


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_and_ends_of_lines_are_found_out(encoding: str, end: str) -> None:
    said = f"1\n{T}Grüße, café – naïve\n\n2\n{U}b\n".replace("\n", end).encode(encoding)
    found = read("srt", said)
    assert found.cues == [(1000, 2000, "Grüße, café – naïve"), B]
    assert set(found.lost) == ({"encoding"} if encoding == "cp1252" else set())


def test_a_damaged_character_does_not_make_the_others_another_encoding() -> None:
    found = read("srt", f"1\n{T}日本語の字幕".encode()[:-1])
    assert found.cues == [(1000, 2000, "日本語の字\ufffd")]
    assert found.lost == {"damaged-text": 1}


@pytest.mark.parametrize("kind", ["vtt", "ass", "ttml"])
def test_what_ffmpeg_makes_of_a_file_says_the_same(kind: CaptionFormat, tmp_path: Path) -> None:
    said = "".join(f"{n}\n00:00:{n:02},{n}00 --> 00:00:{n:02},{n}50\nNo {n} & <3 more\nsecond\n\n" for n in range(1, 9))
    source, made = tmp_path / "x.srt", tmp_path / f"x.{kind}"
    source.write_text(said)
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", source, made], check=True)
    assert read(kind, made.read_bytes()).cues == read("srt", said.encode()).cues


NOISE = "".join(chr(n * 7 % 256) for n in range(256))  # 7 and 256 have no common divisor: it begins again then
BOMBS = {
    "angles": "<" * (1 << 18), "braces": T + "{\\" * (1 << 17), "arrows": T.strip() * 30_000,
    "ampersands": T + "&amp" * (1 << 18), "times": T * 21_000, "numbers": "1\n" * (1 << 17),
    "empty lines": "\n" * (1 << 18), "spaces": T + " " * (1 << 18) + "x", "digits": "1" * (1 << 18),
    "colons": "1:" * (1 << 17), "tags": T + "<v " * (1 << 18), "dialogues": "[Events]\n" + "Dialogue: ,\n" * 30_000,
    "hours": "99999999:00:00,000 --> 999999999:00:00,000\nx", "elements": "<tt>" + "<p>" * (1 << 18),
    "noise": NOISE * (1 << 10), "deep": "<tt>" + "<div>" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("bomb", BOMBS)
def test_hostile_files_are_read_in_one_pass_and_fill_no_memory(bomb: str, kind: CaptionFormat) -> None:
    try:
        found = read(kind, BOMBS[bomb].encode())
    except UnreadableError:
        return
    assert len(found.cues) <= MAX_CUES
    assert len(found.dropped) <= MAX_DROPPED


@pytest.mark.parametrize("kind", FORMATS)
@given(st.text(st.sampled_from("0123:,.-> \n\t<>&;{}\\abWEBVT[]éx\x00\x0b\u2028"), max_size=200))
def test_any_text_is_read_or_refused_and_what_is_read_can_be_shown(kind: CaptionFormat, content: str) -> None:
    try:
        found = read(kind, content.encode())
    except UnreadableError:
        return
    for start, end, text in found.cues:
        assert 0 <= start < end
        assert text.strip()
        assert "\0" not in text


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f'<!DOCTYPE tt [<!ENTITY l0 "lol">{LAUGHS}]><tt><body><p>&l9;</p></body></tt>', "document type"),
        ('<!DOCTYPE tt [<!ENTITY e SYSTEM "file:///etc/passwd">]><tt>&e;</tt>', "document type"),
        ("<tt>" + "<div>" * 300, "levels"),
        ("<html><body/></html>", "not tt"),
        ("<tt", "no XML"),
    ],
)
async def test_hostile_timed_text_is_refused(content: str, words: str) -> None:
    (found,) = await CaptionReader("auto").read([("ttml", content.encode())])
    assert words in found.refused
    assert found.cues == ()


async def test_several_files_are_read_by_one_child_each_for_itself() -> None:
    files: list[tuple[CaptionFormat, bytes]] = [("srt", f"1\n{T}a".encode()), ("ttml", b"<x/>"), ("vtt", b"\xff\xfe")]
    first, second, third = await CaptionReader("auto").read(files)
    assert first.cues == (A,) and second.refused and third.cues == ()

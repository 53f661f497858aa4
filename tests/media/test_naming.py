"""Names of files, from untrusted ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.keys import Content, OriginalKey, parse_key
from services.media.facts.naming import MAX_NAME, display_name, suffix


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("film.mp4", "film.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Videos\\Mein Film.MOV", "Mein Film.MOV"),
        ("pass\x07wd\r\nX: y\0.mp4", "passwdX: y.mp4"),
        ("\u202egpj.exe", "gpj.exe"),
        ("  ", "unnamed"),
        ("dir/", "unnamed"),
        (None, "unnamed"),
        ("Übung.mp4", "Übung.mp4"),
    ],
)
def test_a_name_is_shown_printable_and_without_its_path(sent: str | None, shown: str) -> None:
    assert display_name(sent) == shown


@given(st.text(max_size=600))
def test_any_name_is_short_and_printable(sent: str) -> None:
    shown = display_name(sent)
    assert 0 < len(shown) <= MAX_NAME
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("container", "name", "ending"),
    [
        ("mov,mp4,m4a,3gp,3g2,mj2", "a.MOV", ".mov"),
        ("mov,mp4,m4a,3gp,3g2,mj2", "a.exe", ".mp4"),
        ("matroska,webm", "a.webm", ".webm"),
        ("jpeg_pipe", "photo.html", ".jpg"),
        ("flac", "song.mp3", ".flac"),
    ],
)
def test_a_stored_file_ends_as_its_container_does(container: str, name: str, ending: str) -> None:
    assert suffix(container, name) == ending


@given(st.text(), st.sampled_from(["mov,mp4", "wav", "yuv4mpegpipe", "something_new", "Ä"]))
def test_any_ending_makes_a_key(name: str, container: str) -> None:
    key = OriginalKey(Content("default", "0" * 64, 0), suffix(container, name))
    assert parse_key(str(key)) == key

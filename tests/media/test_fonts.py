"""Fonts are media: examined, stored once, and rewritten for titles; what is no font leaves nothing."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Final

import pytest
from fontTools.ttLib import TTCollection, TTFont

from cutlog.contract.fonts import face_of
from cutlog.contract.letters import read
from tests.media.conftest import House
from tests.support import typefaces
from tests.support.typefaces import OGHAM, RUNIC, VARIABLE

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


@slow
async def test_a_variable_font_is_stored_with_what_titles_are_drawn_with(running: House) -> None:
    client = running.client()
    data = VARIABLE.read_bytes()
    answer = await client.upload(data, name="My Brand.woff2")
    assert (answer.status, answer.body["kind"]) == (201, "font")
    facts = answer.body["facts"]
    (face,) = facts["font"]["faces"]
    assert (facts["container"], face["family"], face["style"], face["weight"]) == ("woff2", "Inter", "Regular", 400)
    assert face["axes"] == [{"tag": "wght", "low": 100.0, "default": 400.0, "high": 900.0}]
    letters = read(facts["font"]["coverage"])
    assert letters.lacking("Straße ☃") == ["☃"]
    ready = await client.ready(answer.body["id"])
    assert (ready["status"], ready["facts"]) == ("ready", facts)
    sha256 = hashlib.sha256(data).hexdigest()
    assert running.files() == [f"derived/default/{sha256}.0/master.otf", f"videos/default/{sha256}.0.woff2"]
    master = TTFont(running.objects / f"derived/default/{sha256}.0/master.otf")
    assert (master.flavor, master["name"].getDebugName(1)) == (None, face_of(sha256, 0))
    assert master["fvar"].axes[0].axisTag == "wght"
    told = next(data for _, kind, data in await running.events() if kind == "MediaReady")
    assert told["renditions"]["master"]["key"].endswith("/master.otf")


@slow
async def test_the_same_font_again_is_the_same_media(running: House) -> None:
    client = running.client()
    first = await client.upload(RUNIC)
    again = await client.upload(RUNIC, name="other.otf")
    assert (first.status, again.status, again.body["duplicate"]) == (201, 200, True)
    assert (again.body["id"], again.body["refCount"]) == (first.body["id"], 2)
    await client.ready(first.body["id"])
    assert len(running.files("videos")) == 1


FORMS: Final[dict[str, Callable[[], bytes]]] = {
    "ttf": RUNIC.read_bytes, "otf": typefaces.cff, "ttc": lambda: typefaces.collection(RUNIC, OGHAM),
    "woff": lambda: typefaces.packed(RUNIC, "woff"), "woff2": lambda: typefaces.packed(RUNIC, "woff2"),
}  # fmt: skip


@slow
async def test_each_format_is_read(running: House) -> None:
    client = running.client()
    for form, made in FORMS.items():
        answer = await client.upload(made(), name=f"a.{form}")
        assert (answer.status, answer.body["kind"], answer.body["facts"]["container"]) == (201, "font", form)
        ready = await client.ready(answer.body["id"])
        assert ready["status"] == "ready"
        assert (running.objects / f"videos/default/{ready['sha256']}.0.{form}").exists()
        stored = (running.objects / f"derived/default/{ready['sha256']}.0/master.otf").read_bytes()
        if form == "ttc":
            names = [face["name"].getDebugName(1) for face in TTCollection(io.BytesIO(stored)).fonts]
            assert names == [face_of(ready["sha256"], number) for number in range(2)]
            told = [face["family"] for face in ready["facts"]["font"]["faces"]]
            assert told == ["Noto Sans Runic", "Noto Sans Ogham"]
        else:
            covered = read(ready["facts"]["font"]["coverage"])
            points = TTFont(io.BytesIO(stored)).getBestCmap()
            assert all(chr(point) in covered for point in points if points[point] != ".notdef")


@slow
async def test_a_collection_covers_what_each_of_its_faces_has(running: House) -> None:
    client = running.client()
    answer = await client.upload(typefaces.collection(RUNIC, OGHAM), name="both.ttc")
    covered = read(answer.body["facts"]["font"]["coverage"])
    assert "ᚠ" not in covered and "ᚁ" not in covered and " " in covered


@slow
async def test_what_a_font_calls_itself_is_shown_and_does_nothing(running: House) -> None:
    client = running.client()
    for family in ("Noto Sans", "\0\n\x1b[31m\u202e" + 3_000 * "x", "../../etc/passwd", '"; DROP TABLE media; --'):
        answer = await client.upload(typefaces.called(RUNIC, family), name="a.ttf")
        (face,) = answer.body["facts"]["font"]["faces"]
        assert face["family"].isprintable() and 0 < len(face["family"]) <= 100
        ready = await client.ready(answer.body["id"])
        assert ready["status"] == "ready"
        master = running.objects / f"derived/default/{ready['sha256']}.0/master.otf"
        assert TTFont(master)["name"].getDebugName(1) == face_of(ready["sha256"], 0)


def _flipped(data: bytes) -> bytes:
    """With a bit changed in each table of the directory."""
    changed = bytearray(data)
    for at in range(12, 12 + 16 * int.from_bytes(data[4:6], "big"), 16):
        changed[at + 9] ^= 0x40
    return bytes(changed)


HOSTILE: Final[dict[str, Callable[[], bytes]]] = {
    "truncated": lambda: RUNIC.read_bytes()[:5_000],
    "truncated in its directory": lambda: RUNIC.read_bytes()[:40],
    "its first bytes": lambda: b"\0\1\0\0",
    "flipped": lambda: _flipped(RUNIC.read_bytes()),
    "truncated WOFF2": lambda: VARIABLE.read_bytes()[:-900],
    "WOFF2 of noise": lambda: b"wOF2" + bytes(range(256)) * 50,
    "a bomb": lambda: typefaces.bomb(160 << 20),
    "no outlines": lambda: typefaces.without(RUNIC, "glyf", "loca"),
    "no characters": lambda: typefaces.without(RUNIC, "cmap"),
    "too many faces": lambda: b"ttcf\0\1\0\0\xff\xff\xff\xff" + bytes(1_000),
    "a collection of nothing": lambda: b"ttcf\0\1\0\0\0\0\0\0" + bytes(1_000),
    "characters without end": lambda: typefaces.scattered(RUNIC, range(0x100, 0x30000, 2)),
}


@slow
async def test_what_cannot_be_used_as_a_font_is_refused_and_leaves_nothing(running: House) -> None:
    for name, made in HOSTILE.items():
        answer = await running.client().upload(made(), name="font.ttf")
        assert (answer.status, answer.body["type"].rpartition("/")[2]) == (422, "invalid-media"), name
    assert running.files() == []
    assert await running.events() == []


@slow
async def test_bits_that_flip_never_break_the_service(running: House) -> None:
    """Refused or usable."""
    client, data = running.client(), typefaces.packed(RUNIC, "woff2")
    for at in range(0, len(data), len(data) // 12):
        changed = bytearray(data)
        changed[at] ^= 0x10
        answer = await client.upload(bytes(changed), name="font.woff2")
        assert answer.status in (201, 422), (at, answer.body)
        if answer.status == 201:
            assert (await client.ready(answer.body["id"]))["status"] == "ready"

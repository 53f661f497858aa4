"""An edit with a character that no font has is refused; history with one is folded as ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutlog.hosting.settings import Settings
from services.ops.bootstrap import serving
from tests.ops.conftest import Client
from tests.support.configuration import SettingsFactory
from tests.support.typefaces import RUNIC, scattered

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

TRACK = {"op": "track.add", "track": "t", "kind": "video"}
TITLE: dict[str, Any] = {
    "op": "clip.add",
    "clip": "c",
    "track": "t",
    "at": 0,
    "frames": 5,
    "text": {"text": "สวัสดี 你好 😀"},
}


@pytest.fixture
async def titled(editor: Client) -> Client:
    """A client of project p1, which has the title c."""
    await editor.made("POST", "/api/projects", {"name": "Titles", "id": "p1"})
    await editor.edit("p1", TRACK, TITLE)
    return editor


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    ("op", "pointer"),
    [
        (TITLE | {"clip": "d", "at": 9, "text": {"text": "a\ue000b"}}, "/ops/0/text/text"),
        ({"op": "text.set", "clip": "c", "text": "a\ue000b"}, "/ops/0/text"),
    ],
)
async def test_a_character_that_no_font_has_is_named(titled: Client, op: dict[str, Any], pointer: str) -> None:
    answer = await titled("POST", "/api/projects/p1/ops", {"ops": [op]})
    assert (answer.status, [error["pointer"] for error in answer.body["errors"]]) == (422, [pointer])
    assert "U+E000" in answer.body["errors"][0]["detail"]
    assert (await titled.made("GET", "/api/projects/p1"))["currentVersion"] == 1


@slow
async def test_how_a_line_is_fitted_can_be_set(titled: Client) -> None:
    await titled.edit("p1", {"op": "text.set", "clip": "c", "fit": "wrap", "maxWidth": 0.5, "font": "noto-sans"})
    (track,) = (await titled.made("GET", "/api/projects/p1/timeline"))["tracks"]
    text = track["clips"][0]["source"]["text"]
    assert (text["fit"], text["maxWidth"], text["font"]) == ("wrap", 0.5, "noto-sans")


@slow
async def test_fonts_that_the_operator_adds_count(
    settings: Settings, settings_for: SettingsFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "fonts" / "below"
    folder.mkdir(parents=True)
    (folder / "own.ttf").write_bytes(scattered(RUNIC, [0xE000]))
    (folder / "broken.otf").write_bytes(b"OTTO")
    own = settings.model_copy(update={"fonts": folder.parent})
    async with serving(own) as server, aiohttp.ClientSession() as session:
        client = Client(session, server.url, settings_for.token("editor"))
        await client.made("POST", "/api/projects", {"name": "Titles", "id": "p1"})
        await client.edit("p1", TRACK, TITLE | {"text": {"text": "你好 \ue000"}})
        change = {"op": "text.set", "clip": "c", "text": "\ue001"}
        answer = await client("POST", "/api/projects/p1/ops", {"ops": [change]})
        assert answer.status == 422

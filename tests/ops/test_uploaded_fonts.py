"""Titles and captions name fonts among the media: which they may, what they can say, and that a font in use stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from cutlog.contract.commands import ArchiveMedia, DeleteMedia, RecordMediaReleased
from cutlog.contract.events import MediaReleased
from cutlog.contract.media import FontFace, FontFacts, MediaFacts
from tests.ops.conftest import Ask, Client

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

FONT = MediaFacts(
    container="ttf",
    duration="0",
    font=FontFacts(faces=(FontFace(family="Own", style="Regular", weight=400),), coverage="20-7e e000"),
)
TRACK = {"op": "track.add", "track": "t", "kind": "video"}


def title(clip: str, at: int, text: str = "Hello", **style: Any) -> dict[str, Any]:
    return {"op": "clip.add", "clip": clip, "track": "t", "at": at, "frames": 5, "text": {"text": text, **style}}


def captions(*texts: str) -> dict[str, Any]:
    said = [{"start": 9 * n, "end": 9 * n + 5, "text": text, "caption": f"s{n}"} for n, text in enumerate(texts)]
    return {"op": "captions.add", "track": "t", "captions": said}


@pytest.fixture
async def project(editor: Client, media: Callable[..., Awaitable[str]]) -> Client:
    """Project p1 with a track; the tenant has a font `own` and a film `film`, another one has a font `theirs`."""
    await media("own", kind="font", facts=FONT, sha256="01" * 32)
    await media("film", sha256="02" * 32)
    await media("theirs", kind="font", facts=FONT, sha256="03" * 32, tenant="other")
    await editor.made("POST", "/api/projects", {"name": "Titles", "id": "p1"})
    await editor.edit("p1", TRACK)
    return editor


async def refused(client: Client, *ops: dict[str, Any]) -> tuple[str, str]:
    """Where and why."""
    answer = await client("POST", "/api/projects/p1/ops", {"ops": list(ops)})
    assert answer.status == 422, answer.body
    (error,) = answer.body["errors"]
    return error["pointer"], error["detail"]


async def timeline(client: Client) -> Any:
    return await client.made("GET", "/api/projects/p1/timeline")


@slow
async def test_a_font_that_a_title_names_is_among_the_media_of_its_timeline(project: Client) -> None:
    before = (await timeline(project))["digest"]
    await project.edit("p1", title("c", 0, font="own", weight=700))
    shown = await timeline(project)
    assert (
        shown["tracks"][0]["clips"][0]["source"]["text"] | {"font": "own", "weight": 700}
        == (shown["tracks"][0]["clips"][0]["source"]["text"])
    )
    assert shown["media"]["own"]["kind"] == "font"
    assert shown["digest"] != before
    await project.edit("p1", {"op": "text.set", "clip": "c", "font": "sans"})
    assert (await timeline(project))["media"] == {}
    await project.edit("p1", {"op": "history.revert", "toVersion": 2})
    again = await timeline(project)
    assert (list(again["media"]), again["digest"]) == (["own"], shown["digest"])


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    ("font", "why"),
    [
        ("nowhere", "there is no font nowhere; name one of sans, "), ("theirs", "there is no font theirs"),
        ("film", "media film is not a font; its kind is video"),
    ],
)  # fmt: skip
async def test_what_is_no_font_of_the_tenants_is_refused(project: Client, font: str, why: str) -> None:
    await project.edit("p1", title("c", 0), captions("Hi"))
    pasted = title("d", 9, font=font) | {"op": "clip.paste"}
    for op, pointer in (
        (title("d", 9, font=font), "/ops/0/text/font"), (pasted, "/ops/0/text/font"),
        ({"op": "text.set", "clip": "c", "font": font}, "/ops/0/font"),
        ({"op": "track.set", "track": "t", "captionFont": font}, "/ops/0/captionFont"),
    ):  # fmt: skip
        where, detail = await refused(project, op)
        assert where == pointer and detail.startswith(why)


@slow
async def test_a_font_is_no_clip(project: Client) -> None:
    add = {"op": "clip.add", "clip": "d", "track": "t", "at": 0, "media": "own", "in": 0, "out": 5}
    assert await refused(project, add) == ("/ops/0/media", "media own is a font; name it as the font of a text")


@slow
async def test_a_text_may_have_what_its_own_font_has(project: Client) -> None:
    await project.edit("p1", title("c", 0, "\ue000", font="own"))
    for op, pointer in (
        ({"op": "text.set", "clip": "c", "font": "noto-sans"}, "/ops/0/font"),
        ({"op": "text.set", "clip": "c", "text": "\ue001"}, "/ops/0/text"),
        (title("d", 9, "\ue000"), "/ops/0/text/text"),
        (title("d", 9, "\ue000") | {"op": "clip.paste"}, "/ops/0/text/text"),
    ):
        where, detail = await refused(project, op)
        assert where == pointer and "no font has" in detail and "U+E00" in detail
    await project.edit("p1", {"op": "text.set", "clip": "c", "font": "sans", "text": "你好"})


@slow
async def test_so_may_captions_what_the_font_of_their_track_has(project: Client) -> None:
    assert (await refused(project, captions("Hi", "\ue000")))[0] == "/ops/0/captions/1/text"
    await project.edit("p1", {"op": "track.set", "track": "t", "captionFont": "own"}, captions("Hi", "\ue000"))
    shown = await timeline(project)
    assert (shown["tracks"][0]["captionFont"], list(shown["media"])) == ("own", ["own"])
    for op, pointer in (
        ({"op": "caption.set", "caption": "s0", "text": "\ue001"}, "/ops/0/text"),
        ({"op": "track.set", "track": "t", "captionFont": "sans"}, "/ops/0/captionFont"),
    ):
        assert (await refused(project, op))[0] == pointer
    await project.edit("p1", {"op": "caption.remove", "caption": "s1"})
    await project.edit("p1", {"op": "track.set", "track": "t", "captionFont": "sans"})
    after = await timeline(project)
    assert "captionFont" not in after["tracks"][0] and after["media"] == {}
    assert after["digest"] != shown["digest"]


@slow
async def test_of_a_file_of_captions_those_that_no_font_has_are_left_out(project: Client) -> None:
    content = "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,500 --> 00:00:04,000\n\ue000\n"
    op = {"op": "captions.import", "track": "t", "format": "srt", "content": content}
    made = await project.edit("p1", op)
    assert [loss["detail"] for loss in made["losses"]] == ["the one at 3.5 s: no font has \ue000 (U+E000)"]
    shown = (await timeline(project))["tracks"][0]["captions"]
    assert [caption["text"] for caption in shown] == ["Hello"]
    alone = op | {"content": content[content.index("2\n") :]}
    where, detail = await refused(project, alone)
    assert where == "/ops/0/content" and "U+E000" in detail
    await project.edit("p1", {"op": "track.set", "track": "t", "captionFont": "own"}, alone)
    assert len((await timeline(project))["tracks"][0]["captions"]) == 2


@slow
async def test_a_font_that_any_version_uses_stays(project: Client, ask: Ask) -> None:
    """By a title, and by captions."""
    gone = RecordMediaReleased(media_id="own", event=MediaReleased(ref_count=0))
    await project.edit("p1", title("c", 0, font="own"))
    assert "is used by 1 project" in str((await ask("media", gone, "r1")).refused)
    await project.edit("p1", {"op": "clip.remove", "clip": "c"})
    for number, command in enumerate(
        (gone, ArchiveMedia(media_id="own", key="archive/own"), DeleteMedia(media_id="own"))
    ):
        service = "media" if command is gone else "gc"
        assert not (await ask(service, command, f"x{number}")).accepted
    await project.made("POST", "/api/projects/p1/fork", {"version": 2, "name": "Copy"})


@slow
async def test_a_font_in_captions_alone_is_used(project: Client, ask: Ask) -> None:
    await project.edit("p1", {"op": "track.set", "track": "t", "captionFont": "own"})
    gone = RecordMediaReleased(media_id="own", event=MediaReleased(ref_count=0))
    assert not (await ask("media", gone, "r1")).accepted


@slow
async def test_a_font_that_was_removed_can_be_named_no_more(project: Client, ask: Ask) -> None:
    gone = RecordMediaReleased(media_id="own", event=MediaReleased(ref_count=0))
    assert (await ask("media", gone, "r1")).accepted
    assert (await refused(project, title("c", 0, font="own")))[0] == "/ops/0/text/font"


@slow
async def test_a_timeline_in_a_file_brings_its_font_along(project: Client) -> None:
    await project.edit("p1", title("c", 0, "\ue000", font="own"), title("d", 9), captions("Hi"))
    await project.edit("p1", {"op": "track.set", "track": "t", "captionFont": "own"})
    exported = await project("GET", "/api/projects/p1/timeline?format=otio")
    await project.made("POST", "/api/projects", {"name": "Copy", "id": "p2"})
    file = exported.body if isinstance(exported.body, bytes) else msgspec.json.encode(exported.body)
    made = await project("POST", "/api/projects/p2/timeline?format=otio", raw=file)
    assert (made.status, made.body["losses"]) == (201, [])
    one, other = await timeline(project), await project.made("GET", "/api/projects/p2/timeline")
    assert one["digest"] == other["digest"] and list(other["media"]) == ["own"]

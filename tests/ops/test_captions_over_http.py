"""Files of captions over HTTP: what is kept, what is told, and what the log holds of them."""

from __future__ import annotations

from typing import Any

import pytest

from cutlog.contract.events import ProjectCreated, VersionCommitted
from cutlog.contract.timeline import Canvas
from services.ops.decide.project_state import evolve, initial_state
from tests.ops.conftest import Client

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

SRT = "1\n00:00:01,000 --> 00:00:01,000\nno length\n\n2\n00:00:03,000 --> 00:00:04,000\n<i>Yo</i>\n"


TTML = '<?xml version="1.0" encoding="utf-16"?><tt><body><p begin="3s" end="4s">Yo</p></body></tt>'


@pytest.fixture
async def project(editor: Client) -> str:
    body = {"name": "Film", "canvas": {"width": 640, "height": 360, "fps": [25, 1]}}
    return str((await editor.made("POST", "/api/projects", body))["id"])


async def said(editor: Client, project: str, track: str = "en") -> list[tuple[str, int, int, str]]:
    found = await editor.made("GET", f"/api/projects/{project}/timeline")
    (captions,) = [each["captions"] for each in found["tracks"] if each["id"] == track]
    return [(each["id"], each["start"], each["end"], each["text"]) for each in captions]


def importing(content: str, kind: str = "srt", track: str = "en") -> dict[str, Any]:
    return {"op": "captions.import", "track": track, "format": kind, "content": content}


@slow
async def test_an_edit_keeps_the_good_captions_and_lists_the_others_with_their_lines(
    editor: Client, project: str
) -> None:
    answer = await editor.edit(project, {"op": "track.add", "track": "v", "kind": "video"}, importing(SRT))
    assert answer["losses"] == [
        {"what": "caption", "where": "/ops/1, line 2", "count": 1, "detail": "the caption has no length"},
        {"what": "style", "where": "/ops/1", "count": 1, "detail": "captions have no style of their own here"},
    ]
    assert await said(editor, project) == [("en-c1", 75, 100, "Yo")]


@slow
async def test_the_log_holds_what_was_read_and_not_the_file(editor: Client, project: str) -> None:
    await editor.edit(project, importing(SRT))
    (version,) = (await editor.made("GET", f"/api/projects/{project}/ops"))["items"]
    assert version["ops"] == [
        {"op": "captions.add", "track": "en", "captions": [{"start": 75, "end": 100, "text": "Yo"}]}
    ]


@slow
async def test_times_are_at_the_rate_that_the_batch_itself_sets(editor: Client, project: str) -> None:
    await editor.edit(project, {"op": "project.configure", "fps": [50, 1]}, importing(SRT))
    assert await said(editor, project) == [("en-c1", 150, 200, "Yo")]


@slow
async def test_an_edit_without_files_of_captions_has_no_losses(editor: Client, project: str) -> None:
    added = {"op": "captions.add", "track": "en", "captions": [{"start": 1, "end": 2, "text": "x", "caption": "mine"}]}
    assert "losses" not in await editor.edit(project, added)
    assert await said(editor, project) == [("mine", 1, 2, "x")]


@slow
@pytest.mark.parametrize("content", ["", "nonsense", "1\n00:00:02,000 --> 00:00:01,000\nback", "x" * 1_000_000])
async def test_a_file_without_a_caption_is_refused_with_a_pointer(editor: Client, project: str, content: str) -> None:
    body = {"ops": [{"op": "track.add", "track": "v", "kind": "video"}, importing(content)]}
    answer = await editor("POST", f"/api/projects/{project}/ops", body)
    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"] == "/ops/1/content"


@slow
async def test_a_caption_after_the_end_of_all_projects_is_dropped_and_told(editor: Client, project: str) -> None:
    late = "3\n99999:00:00,000 --> 99999:00:01,000\nlate\n"
    answer = await editor.edit(project, importing(f"{SRT}\n{late}"))
    assert "after frame 10000000" in answer["losses"][-1]["detail"]
    assert len(await said(editor, project)) == 1


@slow
async def test_the_same_key_answers_with_the_same_losses(editor: Client, project: str) -> None:
    path, body = f"/api/projects/{project}/ops", {"ops": [importing(SRT)]}
    first = await editor("POST", path, body, key="once")
    again = await editor("POST", path, body, key="once")
    assert first.body == again.body and first.body["losses"]


@slow
async def test_a_dry_run_tells_losses_and_stores_nothing(editor: Client, project: str) -> None:
    answer = await editor("POST", f"/api/projects/{project}/ops", {"ops": [importing(SRT)], "dryRun": True})
    assert answer.status == 200 and len(answer.body["losses"]) == 2
    assert (await editor.made("GET", f"/api/projects/{project}"))["currentVersion"] == 0


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("srt", SRT.encode("utf-16")),
        ("srt", SRT.replace("\n", "\r").encode("utf-8-sig")),
        ("vtt", b"WEBVTT\n00:03.000 --> 00:04.000\nYo"),
        ("sbv", b"0:00:03.000,0:00:04.000\nYo"),
        ("ass", b"[Events]\nDialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,Yo"),
        ("ttml", TTML.encode("utf-16")),
    ],
)  # fmt: skip
async def test_a_file_is_added_to_a_track_as_it_is(editor: Client, project: str, kind: str, content: bytes) -> None:
    path = f"/api/projects/{project}/timeline?format={kind}&track=de"
    answer = await editor("POST", path, raw=content)
    assert answer.status == 201, answer
    assert await said(editor, project, "de") == [("de-c1", 75, 100, "Yo")]
    assert [loss["where"] for loss in answer.body["losses"] if loss["what"] == "caption"] == (
        ["line 2"] if kind == "srt" else []
    )
    again = await editor("POST", f"{path}&dryRun=true", raw=content)
    assert (again.status, again.body["version"], again.body["position"]) == (200, 2, None)


@slow
async def test_an_op_may_hold_xml_that_says_it_was_in_another_encoding(editor: Client, project: str) -> None:
    await editor.edit(project, importing(TTML.replace("Yo", "Grüße"), "ttml"))
    assert await said(editor, project) == [("en-c1", 75, 100, "Grüße")]


@slow
async def test_a_file_that_can_not_be_added_is_refused_with_a_reason(editor: Client, project: str) -> None:
    await editor.edit(project, {"op": "track.add", "track": "a1", "kind": "audio"})
    path = f"/api/projects/{project}/timeline?format=srt"
    for query, content, status, words in (
        ("", SRT.encode(), 422, "?track"),
        ("&track=a1", SRT.encode(), 422, "sound only"),
        ("&track=en", b"nonsense", 422, "no caption in this srt file"),
        ("&track=en", b"x" * (5 << 20), 413, "at most"),
    ):
        answer = await editor("POST", path + query, raw=content)
        assert answer.status == status
        assert words in str(answer.body)


#: Captions as events of the first versions hold them; readers of today find something else in each of these files.
OLD = [
    ("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nDon&#39;t &amp; &quot;", "Don&#39;t & &quot;"),
    (
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\na &amp; b\n\n2\n00:00:01,500 --> 00:00:02,000\n<span>c</span>",
        "a &amp; b",
    ),
]


@pytest.mark.parametrize(("kind", "content", "first"), OLD)
def test_history_of_before_is_folded_as_before(kind: str, content: str, first: str) -> None:
    state = initial_state()
    committed = VersionCommitted(version=1, ops=(importing(content, kind),), duration=0, digest="d")
    for event in (ProjectCreated(name="Film", canvas=Canvas()), committed):
        state = evolve(state, event, "default")
    assert state is not None
    captions = dict(state.sequence.tracks[0].captions.items())
    assert captions["en-c1"].text == first
    assert (captions["en-c1"].start, captions["en-c1"].end) == (30, 60)
    if kind == "srt":
        assert captions["en-c2"].text == "<span>c</span>"

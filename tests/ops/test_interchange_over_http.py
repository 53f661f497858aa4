"""Timelines go out as files and come in again, over HTTP, on real parts."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import opentimelineio
import pytest

from cutlog.blobs import open_blobs
from cutlog.hosting.settings import Settings
from tests.ops.conftest import Client

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

Media = Callable[..., Awaitable[str]]


@pytest.fixture
async def project(editor: Client, media: Media) -> str:
    """A project of two clips of a film, with a title above."""
    await media("v_1")
    made = await editor.made(
        "POST",
        "/api/projects",
        {"name": "My Film", "canvas": {"width": 640, "height": 360, "fps": [25, 1], "background": "#102030"}},
    )
    await editor.edit(
        made["id"],
        {"op": "track.add", "track": "v1", "kind": "video"},
        {"op": "track.add", "track": "v2", "kind": "video"},
        {"op": "clip.add", "clip": "a", "track": "v1", "at": 0, "media": "v_1", "in": 5, "out": 25},
        {"op": "clip.add", "clip": "b", "track": "v1", "at": 30, "media": "v_1", "in": 50, "out": 75},
        {"op": "clip.set", "clip": "b", "gainDb": -6.5},
        {"op": "clip.add", "clip": "t", "track": "v2", "at": 4, "text": {"text": "Überschrift"}, "frames": 12},
        {"op": "marker.add", "marker": "m", "at": 31, "label": "beat"},
    )  # fmt: skip
    return str(made["id"])


async def timeline(editor: Client, project: str) -> dict[str, Any]:
    found = await editor.made("GET", f"/api/projects/{project}/timeline")
    return {key: value for key, value in found.items() if key not in ("projectId", "version")}


async def file(editor: Client, project: str, kind: str) -> tuple[bytes, list[dict[str, Any]]]:
    answer = await editor("GET", f"/api/projects/{project}/timeline?format={kind}")
    assert answer.status == 200, answer
    losses = json.loads(answer.headers["Cutlog-Losses"])
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    suffix = {"fcp7xml": "xml"}.get(kind, kind)
    assert f"my-film-v1.{suffix}" in answer.headers["Content-Disposition"]
    return body, losses


async def empty(editor: Client) -> str:
    return str((await editor.made("POST", "/api/projects", {"name": "Other"}))["id"])


async def bring(
    editor: Client, project: str, content: bytes, query: str = "format=otio", key: str | None = None
) -> Any:
    return await editor("POST", f"/api/projects/{project}/timeline?{query}", raw=content, key=key)


async def test_a_timeline_moves_to_another_project_through_otio_unchanged(editor: Client, project: str) -> None:
    content, losses = await file(editor, project, "otio")
    assert losses == []
    assert opentimelineio.core.deserialize_json_from_string(content.decode()).name == "My Film"
    other = await empty(editor)
    answer = await bring(editor, other, content)
    assert answer.status == 201, answer
    assert answer.body["version"] == 1 and answer.body["losses"] == [] and answer.body["missing"] == []
    assert await timeline(editor, other) == await timeline(editor, project)


@slow
async def test_importing_again_replaces_the_timeline_and_renames_what_is_taken(editor: Client, project: str) -> None:
    content, _ = await file(editor, project, "otio")
    answer = await bring(editor, project, content)
    assert answer.status == 201, answer
    assert {loss["what"] for loss in answer.body["losses"]} == {"id"}
    before = await editor.made("GET", f"/api/projects/{project}/timeline?version=1")
    after = await editor.made("GET", f"/api/projects/{project}/timeline")
    assert after["digest"] == before["digest"]
    assert [clip["id"] for clip in after["tracks"][0]["clips"]] == ["a-2", "b-2"]


@slow
async def test_appending_puts_the_tracks_on_top(editor: Client, project: str) -> None:
    content, _ = await file(editor, project, "otio")
    assert (await bring(editor, project, content, "format=otio&mode=append")).status == 201
    after = await editor.made("GET", f"/api/projects/{project}/timeline")
    assert [track["id"] for track in after["tracks"]] == ["v1", "v2", "v1-2", "v2-2"]


@slow
@pytest.mark.parametrize("kind", ["edl", "fcp7xml", "fcpxml", "kdenlive"])
async def test_lossy_formats_tell_what_they_lose_and_bring_back_the_rest(
    editor: Client, project: str, kind: str
) -> None:
    content, losses = await file(editor, project, kind)
    told = {loss["what"] for loss in losses}
    assert "gain" in told and "canvas" in told
    assert ("track" in told) == (kind == "edl")
    other = await empty(editor)
    answer = await bring(editor, other, content, f"format={kind}&fps=25")
    assert answer.status == 201, answer
    clips = (await timeline(editor, other))["tracks"][0]["clips"]
    assert [(clip["at"], clip["frames"], clip["source"]["in"], clip["source"]["media"]) for clip in clips] == [
        (0, 20, 5, "v_1"),
        (30, 25, 50, "v_1"),
    ]


@slow
async def test_a_bundle_holds_the_timeline_and_the_media(editor: Client, project: str, settings: Settings) -> None:
    blobs = open_blobs(settings.objects, settings.file_secret.get_secret_value())
    film = bytes(range(256)) * 1000
    await blobs.put_bytes(f"videos/default/{'ab' * 32}.1.mov", film)
    content, _ = await file(editor, project, "otioz")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.read("media/film.mov") == film
        found = opentimelineio.core.deserialize_json_from_string(archive.read("content.otio").decode())
    assert [clip.media_reference.target_url for clip in found.tracks[0].find_clips()] == ["media/film.mov"] * 2


@slow
async def test_missing_media_are_listed_and_never_left_out_in_silence(editor: Client, project: str) -> None:
    content, _ = await file(editor, project, "otio")
    strange = content.replace(b"ab" * 32, b"cd" * 32).replace(b"v_1", b"v_9").replace(b"film.mov", b"gone.mov")
    other = await empty(editor)
    refused = await bring(editor, other, strange)
    assert refused.status == 422 and refused.body["type"].endswith("media-missing")
    assert refused.body["missing"] == [
        {"name": "gone.mov", "id": "v_9", "sha256": "cd" * 32, "clips": 2, "reason": "unknown"}
    ]
    answer = await bring(editor, other, strange, "format=otio&missing=color")
    assert answer.status == 201 and answer.body["missing"][0]["clips"] == 2
    assert [clip["source"]["type"] for clip in (await timeline(editor, other))["tracks"][0]["clips"]] == ["color"] * 2
    third = await empty(editor)
    assert (await bring(editor, third, strange, "format=otio&missing=skip")).status == 201
    assert (await timeline(editor, third))["tracks"][0]["clips"] == []


@slow
async def test_media_of_another_tenant_are_missing(
    editor: Client, project: str, as_role: Callable[..., Client]
) -> None:
    content, _ = await file(editor, project, "otio")
    stranger = as_role("editor", tenant="acme")
    assert (await bring(stranger, await empty(stranger), content)).status == 422


@slow
async def test_expected_version_and_dry_run_hold_for_imports(editor: Client, project: str) -> None:
    content, _ = await file(editor, project, "otio")
    stale = await bring(editor, project, content, "format=otio&expectedVersion=0")
    assert stale.status == 409 and stale.body["currentVersion"] == 1
    dry = await bring(editor, project, content, "format=otio&expectedVersion=1&dryRun=true")
    assert dry.status == 200 and dry.body["version"] == 2 and dry.body["position"] is None
    assert (await editor.made("GET", f"/api/projects/{project}"))["currentVersion"] == 1


@slow
async def test_the_same_key_imports_once(editor: Client, project: str) -> None:
    content, _ = await file(editor, project, "otio")
    first = await bring(editor, project, content, key="once")
    again = await bring(editor, project, content, key="once")
    assert first.body == again.body and first.status == again.status == 201
    assert (await editor.made("GET", f"/api/projects/{project}"))["currentVersion"] == 2


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("otio", b"{"),
        ("otio", b"[]"),
        ("otio", b'{"OTIO_SCHEMA": "Clip.2"'),
        ("otio", b'{"OTIO_SCHEMA":"Timeline.1","metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("edl", b"001  AX V C 00:00:00:00 nonsense"),
        ("edl", b"\x00\x01\x02"),
        ("fcp7xml", b"<xmeml"),
        ("fcp7xml", b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xmeml>&b;</xmeml>'),
        ("fcp7xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xmeml>&a;</xmeml>'),
    ],
)
async def test_what_is_no_timeline_is_refused_with_a_reason(editor: Client, kind: str, content: bytes) -> None:
    answer = await bring(editor, await empty(editor), content, f"format={kind}&fps=25")
    assert answer.status == 422 and len(answer.body["detail"]) > 10, answer
    assert "root:" not in json.dumps(answer.body)


@slow
async def test_a_timeline_without_timecode_or_video_has_no_edl(editor: Client) -> None:
    other = await empty(editor)
    answer = await editor("GET", f"/api/projects/{other}/timeline?format=edl")
    assert answer.status == 422 and "video track" in answer.body["detail"]


@slow
async def test_captions_come_out_as_files_of_any_version(editor: Client, project: str) -> None:
    said = "1\n00:00:00,200 --> 00:00:01,000\n<i>Q&A</i>\n"
    await editor.edit(project, {"op": "captions.import", "track": "en", "format": "srt", "content": said})
    await editor.edit(
        project,
        {"op": "track.set", "track": "en", "captions": "sidecar"},
        {"op": "captions.import", "track": "de", "format": "srt", "content": said.replace("Q&A", "Frage")},
        {"op": "caption.set", "caption": "en-c1", "text": "later"},
    )
    url = f"/api/projects/{project}/timeline"
    only = await editor("GET", f"{url}?version=2&format=vtt")
    assert (only.status, only.headers["Content-Type"]) == (200, "text/vtt; charset=utf-8")
    assert only.body.decode() == "WEBVTT\n\nen-c1\n00:00:00.200 --> 00:00:01.000\nQ&amp;A\n"
    named = await editor("GET", f"{url}?format=srt&track=de")
    assert named.body.decode() == "1\n00:00:00,200 --> 00:00:01,000\nFrage\n"
    assert named.headers["Content-Disposition"] == f'inline; filename="{project}-v3-de.srt"'
    which = await editor("GET", f"{url}?format=vtt")
    assert (which.status, which.body["errors"][0]["pointer"]) == (422, "?track")
    for missing in ("version=1&format=vtt", "format=vtt&track=v1", "format=vtt&track=nobody"):
        assert (await editor("GET", f"{url}?{missing}")).status == 404, missing

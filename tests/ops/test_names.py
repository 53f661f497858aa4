"""Names of projects and tracks are one line, wherever they come from."""

from __future__ import annotations

import json
from typing import Any

import opentimelineio
import pytest

from cutlog.contract.events import ProjectCreated, VersionCommitted
from cutlog.contract.timeline import Canvas
from services.ops.decide.project_state import evolve
from tests.ops.conftest import Client

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

BROKEN = (
    "a\nb",
    "a\n",
    "\ra",
    "a\tb",
    "a\x00",
    "a\x1b[2Jb",
    "a\x7f",
    "a\x85b",
    "a\u2028b",
    "a\u202egpj",
    "\u2066a",
    "\u200fa",
)
GOOD = ("Film", "Übung – 1", "👩\u200d🚀", "שלום world", "مرحبا", "e\u0301", "नमस्ते", "a & <b> \"c\" 'd' \\ %0d%0a")
TRACK = {"op": "track.add", "track": "v", "kind": "video"}


@pytest.fixture
async def client(editor: Client) -> Client:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK)
    return editor


def _requests(name: str) -> tuple[tuple[str, dict[str, Any], str], ...]:
    """Everywhere that a client gives a name: path, body, pointer to the name."""
    ops, track = "/api/projects/p1/ops", {"op": "track.set", "track": "v", "name": name}
    return (
        ("/api/projects", {"name": name}, "/name"),
        ("/api/projects/p1/fork", {"name": name}, "/name"),
        ("/api/projects/p1/fork", {"name": name, "dryRun": True}, "/name"),
        (ops, {"ops": [TRACK | {"track": "w"}, {"op": "project.configure", "name": name}]}, "/ops/1/name"),
        (ops, {"ops": [track], "dryRun": True}, "/ops/0/name"),
        (ops, {"ops": [track]}, "/ops/0/name"),
    )  # fmt: skip


async def test_a_name_with_controls_line_breaks_or_turns_of_direction_is_refused_with_a_pointer(client: Client) -> None:
    for name in BROKEN:
        for path, body, pointer in _requests(name):
            answer = await client("POST", path, body)
            assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer), (name, path)
    assert (await client.made("GET", "/api/projects/p1"))["currentVersion"] == 1
    assert len((await client.made("GET", "/api/projects"))["items"]) == 1


@slow
async def test_the_refusal_names_the_character_and_does_not_repeat_it(client: Client) -> None:
    answer = await client("POST", "/api/projects", {"name": "a\u202eb"})
    assert "U+202E" in answer.body["errors"][0]["detail"]
    assert "\u202e" not in json.dumps(answer.body, ensure_ascii=False)


@slow
async def test_names_of_every_script_are_taken(client: Client) -> None:
    for name in GOOD:
        for path, body, _ in _requests(name):
            if "track" not in str(body.get("ops", "")) or "dryRun" in body:
                assert (await client("POST", path, body)).status in (200, 201), (name, path)


@slow
async def test_names_in_a_file_of_another_editor_are_made_one_line(client: Client) -> None:
    told = opentimelineio.schema.Timeline("a\u202eb\nc")
    track = opentimelineio.schema.Track("first\nsecond\u202e", kind=opentimelineio.schema.TrackKind.Video)
    second = opentimelineio.opentime.RationalTime(25, 25)
    track.append(opentimelineio.schema.Gap(duration=second))
    colour = opentimelineio.schema.GeneratorReference("c", "SolidColor", parameters={"color": "#ff0000"})
    length = opentimelineio.opentime.TimeRange(opentimelineio.opentime.RationalTime(0, 25), second)
    colour.available_range = length
    track.append(opentimelineio.schema.Clip("clip\r\n", colour, length))
    told.tracks.append(track)
    raw = opentimelineio.adapters.write_to_string(told, "otio_json").encode()
    answer = await client("POST", "/api/projects/p1/timeline?format=otio&mode=replace", raw=raw)
    assert answer.status == 201, answer
    tracks = (await client.made("GET", "/api/projects/p1/timeline"))["tracks"]
    ops = (await client.made("GET", "/api/projects/p1/ops?from=2"))["items"][0]["ops"]
    assert len(tracks) == 1
    assert "first second" in [op.get("name") for op in ops]


def test_what_the_log_holds_from_before_is_folded_as_it_is() -> None:
    created = evolve(None, ProjectCreated(name="a\nb", canvas=Canvas()), "default")
    ops = (TRACK, {"op": "track.set", "track": "v", "name": "c\u202ed"}, {"op": "project.configure", "name": "e\rf"})
    after = evolve(created, VersionCommitted(version=1, ops=ops, duration=0, digest="ab"), "default")
    assert (after.sequence.name, after.sequence.tracks[0].name) == ("e\rf", "c\u202ed")

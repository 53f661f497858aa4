"""Legacy stores as teams really have them, made to order: sound ones, and ones with every oddity that was ever seen."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass
class Expected:
    """What must be there after a run: project → versions, video contents by SHA-256 → uploads, exports by id."""

    versions: dict[str, int] = field(default_factory=dict)
    refs: dict[str, int] = field(default_factory=dict)
    exports: dict[str, tuple[str, int, bool]] = field(default_factory=dict)


def write(root: Path, **rows: Any) -> None:
    """The four files, as JSON arrays."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    for name, value in rows.items():
        (root / "data" / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")


def place(root: Path, relative: str, content: bytes) -> str:
    """A file below uploads; its SHA-256."""
    path = root / "uploads" / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def sound(root: Path, *, projects: int, versions: int, clip: bytes, prefix: str, seed: int = 1) -> Expected:
    """A store in which everything is as it should be. Clips are cut from `clip`, the bytes of a real video."""
    dice, expected = random.Random(seed), Expected()
    videos: list[Json] = []
    sha256 = place(root, "videos/clip.mp4", clip)
    path = "uploads/videos/clip.mp4"
    videos.append({"id": f"{prefix}-vid", "filename": "clip.mp4", "path": path, "sha256": sha256, "refCount": 2})
    expected.refs[sha256] = 2
    operations: list[Json] = []
    rows: list[Json] = []
    for number in range(projects):
        project = f"{prefix}-{number}"
        expected.versions[project] = versions
        rows.append({
            "id": project, "name": f"Project {number}", "currentVersion": versions, "latestProxyKey": None,
            "latestExportKey": None, "createdAt": "2023-05-01T08:00:00.000Z",
        })  # fmt: skip
        for version in range(1, versions + 1):
            operations.append({
                "id": f"op-{number}-{version}", "projectId": project, "version": version,
                "ops": [_op(dice, version, f"{prefix}-vid")], "createdAt": 1_682_928_000_000 + 60_000 * version,
                "author": dice.choice(["ana", "bo"]),
            })  # fmt: skip
    dice.shuffle(operations)
    write(root, projects=rows, videos=videos, editOperations=operations, exportVersions=[])
    return expected


def _op(dice: random.Random, version: int, video: str) -> Json:
    if version == 1:
        return {"type": "addClip", "videoId": video, "start": 0, "end": 1, "clipId": "main"}
    match dice.randrange(3):
        case 0:
            # What no font here has a picture of was shown somehow there.
            return {"type": "addText", "text": f"title {version} \ue000", "start": 10 * version, "duration": 2}
        case 1:
            return {"type": "setVolume", "clipId": "main", "volume": dice.choice([0, 0.5, 1])}
        case _:
            return {"type": "opacity", "clipId": "main", "opacity": dice.choice([0.25, 0.5, 1])}


def odd(root: Path, clip: bytes, other: bytes) -> Expected:
    """A store with one of everything that goes wrong. `clip` and `other` are two real videos."""
    expected = Expected()
    one, two = place(root, "videos/a.mp4", clip), place(root, "videos/b.mp4", other)
    place(root, "videos/a copy.mp4", clip)
    place(root, "videos/notes.mp4", b"these are notes and no film")
    place(root, "videos/orphan.mp4", b"nobody refers to this")
    expected.refs = {one: 3, two: 1}
    for version in (1, 3):
        place(root, f"export/7/v{version}_final.mp4", clip + bytes([version]))
    place(root, "archive/x-old_v2_final.mp4", other + b"archived")
    place(root, "proxy/7/v3_proxy.mp4", clip + b"proxy")
    videos = [
        {"id": 11, "filename": "a.mp4", "path": "C:\\app\\uploads\\videos\\a.mp4", "sha256": one, "refCount": "2"},
        {
            "_id": {"$oid": "64aa00000000000000000001"},
            "filename": "a copy.mp4",
            "path": "/uploads/videos/a copy.mp4",
        },
        {"id": "Clip B!", "filename": "b.mp4", "sha256": "0" * 64, "refCount": 0, "createdAt": {"$date": "2022-01-01"}},
        {"id": "notes", "filename": "notes.mp4"},
        {"id": "gone", "filename": "gone.mp4", "path": "../../etc/passwd"},
        {"filename": "nobody.mp4"},
        "not an object",
    ]
    projects = [
        {"id": 7, "name": "Seven", "currentVersion": 4, "latestProxyKey": "proxy/7/v3_proxy.mp4",
         "latestExportKey": "uploads/export/7/v3_final.mp4", "createdAt": 1_650_000_000_000, "fps": 25},
        {"_id": "quiet", "title": "No operations", "currentVersion": "3", "createdAt": "yesterday"},
        {"id": "Über Projekt", "currentVersion": 2, "width": 640, "height": 360},
        {"id": "twice", "name": "first row"},
        {"id": "twice", "name": "second row"},
        {"name": "has no id"},
    ]  # fmt: skip
    operations = [
        {"projectId": 7, "version": 1, "createdAt": "2022-04-15T05:20:00", "author": {"name": "Ana"},
         "ops": [{"type": "addClip", "videoId": 11, "start": 0, "end": 1, "clipId": "Clip 1"}]},
        {"projectId": "7", "version": "2", "createdAt": 1_650_000_060_000,
         "ops": [{"type": "trim", "clipId": "Clip 1", "start": 0.2, "end": 0.8}]},
        {"projectId": "7", "version": "2", "createdAt": 1_650_000_061_000,
         "ops": [{"type": "split", "clipId": "Clip 1", "at": 0.3, "newClipId": "Clip 2"}]},
        {"projectId": 7, "version": 4,
         "ops": [{"type": "title", "text": "nul \u0000 here", "start": 0, "duration": 1}]},
        {"projectId": "Über Projekt", "version": 1,
         "ops": [{"type": "addClip", "video": "Clip B!", "start": 0, "end": 0.5}]},
        {"projectId": "Über Projekt", "version": 2, "ops": [{"type": "applyMagic", "strength": 11}]},
        {"projectId": "Über Projekt", "version": 3, "ops": [{"type": "split", "at": 0.2}]},
        {"projectId": "lost", "version": 2, "ops": [{"type": "addText", "text": "found again"}]},
        {"projectId": "lost", "ops": {"type": "addClip", "videoId": "gone", "start": 0, "end": 1}},
        {"version": 9, "ops": []},
    ]  # fmt: skip
    exports = [
        {"id": "x1", "projectId": 7, "version": 1, "key": "export/7/v1_final.mp4", "pinned": True},
        {
            "id": "x3",
            "projectId": 7,
            "version": 3,
            "key": "uploads\\export\\7\\v3_final.mp4",
            "createdAt": "2022-04-16",
        },
        {"id": "x-old", "projectId": 7, "version": 2, "key": "archive/x-old_v2_final.mp4", "pinned": "false"},
        {"id": "x-lost", "projectId": "7", "version": 4, "key": "export/7/v4_final.mp4"},
        {"id": "x-none", "version": 4},
    ]
    write(root, projects=projects, videos=videos, exportVersions=exports)
    torn = json.dumps(operations)[:-1] + ', {"projectId": 7, "version": 5, "op'
    (root / "data" / "editOperations.json").write_text(torn, encoding="utf-8")
    expected.versions = {"7": 4, "quiet": 3, "twice": 0, "lost": 3}
    expected.exports = {
        "x1": ("ready", 1, True), "x3": ("ready", 3, True), "x-old": ("archived", 2, True),
        "x-lost": ("deleted", 4, False),
    }  # fmt: skip
    return expected


def effects(root: Path, clips: tuple[bytes, bytes], seconds: float) -> dict[str, Any]:
    """A store of a backend whose projects are one video each with effects over all of it; what must be there, by names.

    Its ids are UUIDs, its times seconds, its files named by `s3Key` and `filePath`; exports of before there were
    versions lie beside the videos. `clips` are two real videos of so many `seconds`.
    """
    user, ids = str(uuid.uuid4()), {name: str(uuid.uuid4()) for name in ("looks", "cuts", "old", "fresh", "va", "vb")}
    place(root, "videos/stored-a.mp4", clips[0])
    place(root, "videos/stored-b.mp4", clips[1])
    videos = [
        {
            "_id": ids[each], "title": f"Clip {each}", "userId": user, "filename": f"stored-{each[1]}.mp4",
            "originalName": f"holiday {each}.mp4", "filePath": path, "fileSize": 1, "mimeType": "video/mp4",
            "metadata": {"duration": seconds}, "status": "ready", "sha256": None, "refCount": 1,
            "createdAt": "2025-10-27T09:00:00.123Z",
        }
        for each, path in (("va", "uploads/videos/stored-a.mp4"), ("vb", "C:\\srv\\uploads\\videos\\stored-b.mp4"))
    ]  # fmt: skip
    projects = [
        {
            "_id": ids[each], "title": each, "userId": user, "videoId": ids[video], "currentVersion": version,
            "settings": {"resolution": "640x360", "fps": 25}, "status": "draft", "latestProxyKey": proxy,
            "latestExportKey": export, "createdAt": "2025-10-27T09:00:00.123Z",
        }
        for each, video, version, proxy, export in (
            ("looks", "va", 3, f"proxy/{ids['looks']}/v3_proxy.mp4", f"export/{ids['looks']}/v3_final.mp4"),
            ("cuts", "vb", 2, None, None), ("old", "va", 1, None, f"videos/{ids['old']}_final.mp4"),
            ("fresh", "vb", 0, None, None),
        )
    ]  # fmt: skip

    def row(project: str, version: int, **more: Any) -> Json:
        at = f"2025-10-27T09:0{version}:00.123Z"
        return {"_id": str(uuid.uuid4()), "projectId": ids[project], "version": version, "timestamp": at} | more

    def effect(name: str, **parameters: Any) -> Json:
        return {"type": "effect", "effect": name, "parameters": parameters}

    operations = [
        row("looks", 1, ops=[effect("snow", density=50, size=3)]),
        row("looks", 2, ops=[effect("hflip")]),
        row("looks", 3, ops=[effect("volume", volume=50), effect("blur", intensity=5)]),
        row("cuts", 1, type="trim", parameters={"startTime": 0.2, "endTime": 0.8}),
        row("cuts", 2, operation="addText", params={"text": "Hi", "startTime": 0.2, "endTime": 0.4}),
        row("old", 1, ops=[effect("grayscale")]),
    ]
    exports = []
    for project, version, path, key, pinned in (
        ("looks", 1, f"export/{ids['looks']}/v1_final.mp4", None, True),
        ("looks", 3, f"export/{ids['looks']}/v3_final.mp4", None, False),
        ("looks", 2, "archive/x_v2_final.mp4", f"export/{ids['looks']}/v2_final.mp4", False),
        ("old", 1, f"videos/{ids['old']}_final.mp4", None, True),
    ):
        place(root, path, clips[0] + path.encode())
        exports.append({
            "_id": str(uuid.uuid4()), "projectId": ids[project], "version": version, "s3Key": key or path,
            "filePath": f"uploads/{path}", "size": 1, "pinned": pinned, "resolution": "1920x1080", "format": "mp4",
            "status": "ready", "createdAt": "2025-10-27T09:10:00.123Z",
        })  # fmt: skip
    for version in (1, 2, 3):
        place(root, f"proxy/{ids['looks']}/v{version}_proxy.mp4", clips[0] + b"proxy %d" % version)
    write(root, projects=projects, videos=videos, editOperations=operations, exportVersions=exports)
    return ids


def broken(root: Path, clips: tuple[bytes, bytes], prefix: str) -> None:
    """A store in which a lot can't be translated, read or found, as a dry run has to notice. `clips` last two seconds
    at 25 fps; ids begin with `prefix`."""
    place(root, "videos/a.mp4", clips[0])
    place(root, "videos/a again.mp4", clips[0])
    place(root, "videos/notes.mp4", b"no video")
    place(root, "videos/cut off.mp4", clips[1][: len(clips[1]) // 3])
    place(root, "videos/cut off too.mp4", clips[1][: len(clips[1]) // 3])
    videos: list[Json] = [
        {"_id": {"$oid": f"{prefix}a"}, "originalName": "A.mp4", "filePath": "D:\\app\\uploads\\videos\\a.mp4",
         "duration": 20.5, "createdAt": {"$date": "2022-01-01T00:00:00Z"}},
        {"_id": f"{prefix}again", "filename": "a again.mp4", "refCount": 2.0},
        {"_id": f"{prefix}notes", "filename": "notes.mp4", "duration": 60},
        {"_id": f"{prefix}torn", "filename": "cut off.mp4", "duration": 2},
        {"_id": f"{prefix}torn2", "filename": "cut off too.mp4", "duration": 2},
        {"_id": f"{prefix}gone", "filename": "gone.mp4", "duration": 2},
    ]  # fmt: skip
    projects: list[Json] = []
    operations: list[Json] = []
    exports: list[Json] = []

    def film(name: str, video: str, *ops: Json, at: str = "2022-02-01T08:00:00Z") -> None:
        projects.append({
            "_id": f"{prefix}{name}", "title": name, "videoId": f"{prefix}{video}", "currentVersion": float(len(ops)),
            "createdAt": at, "settings": {"fps": 25, "resolution": "853x480"},
        })  # fmt: skip
        for version, op in enumerate(ops, 1):
            operations.append({"projectId": f"{prefix}{name}", "version": version, "ops": [op], "timestamp": at})

    film("beyond", "a", {"type": "trim", "startTime": 1.0, "endTime": 20.0}, {"type": "speed", "factor": 2.0})
    film("after", "a", {"type": "cut", "startTime": 3.0, "endTime": 4.0}, {"type": "volume", "volume": 0.5})
    film("within", "again", {"type": "trim", "startTime": 0.5, "endTime": 1.5}, {"type": "snow", "density": 5})
    film("notes", "notes", {"type": "trim", "startTime": 0.5, "endTime": 1.5})
    film("torn", "torn", {"type": "trim", "startTime": 0.5, "endTime": 1.5}, {"type": "crop", "x": 10, "width": 99})
    film("gone", "gone", {"type": "speed", "factor": 2}, {"type": "wobble"}, at="soon")
    film("none", "again")
    for version in (1, 1, 2):
        key = f"export/{prefix}within/v{version}_final.mp4"
        place(root, key, clips[0] + bytes([version]))
        exports.append({"projectId": f"{prefix}within", "version": version, "s3Key": key, "pinned": version == 2})
    place(root, f"proxy/{prefix}within/v9_proxy.mp4", clips[0] + b"proxy")
    operations += [
        {"projectId": f"{prefix}within", "version": 10**12, "ops": [{"type": "crop"}]},
        {"projectId": f"{prefix}lost", "version": 3, "type": "wobble", "params": {"by": 3}},
    ]
    write(root, projects=projects, videos=videos, exportVersions=exports)
    torn = json.dumps(operations)[:-1] + ', {"projectId": "half'
    (root / "data" / "editOperations.json").write_text(torn, encoding="utf-8")

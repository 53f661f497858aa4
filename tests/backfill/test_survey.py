"""What a survey of a store reports, and what it makes of what is odd: each oddity by itself, without any service."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutlog.contract.legacy import NOTHING_SAID
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.numbering import dated, top, versions
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.rows import LegacyExport, LegacyOperation, LegacyProject, LegacyVideo
from cutlog.operate.backfill.source import Source
from cutlog.operate.backfill.survey import counted, survey
from tests.backfill.legacy_store import place, write
from tests.support.chance import examples

BEGUN = datetime(2022, 4, 15, 5, 20, tzinfo=UTC)


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that another user can enter, too."""
    folder = Path(tempfile.mkdtemp(prefix="survey-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def surveyed(root: Path) -> Iterator[Index]:
    with Index(root / "index.sqlite") as index:
        survey(Source(root), index, root, silent, NOTHING_SAID)
        yield index


def said(root: Path) -> list[Oddity]:
    with surveyed(root) as index:
        return list(index.oddities())


def op(version: object, project: str = "p", **more: Any) -> dict[str, Any]:
    return {"projectId": project, "version": version, "ops": [{"type": "marker", "at": 1}]} | more


def project(version: object, **more: Any) -> dict[str, Any]:
    return {"id": "p", "name": "P", "currentVersion": version} | more


@pytest.mark.parametrize(
    ("text", "taken", "what", "done"),
    [
        ('[{"id": "a"}, {"id": "b"},]', "ab", "1 trailing comma,", "as if they were not there"),
        ('[{"id": "a", "tags": [1, 2 ,\n ], }, {"id": "b"}]', "ab", "2 trailing commas,", "as if they were not there"),
        ('\ufeff{"projects": [{"id": "a"},\n], "x": 1,}', "a", "2 trailing commas,", "as if they were not there"),
        ('[{"id": "a", "name": "x,]"}, {"id": "b', "a", "an incomplete write after 1 row", "rows before it"),
        ('[{"id": "a"},]', "a", "1 trailing comma,", "as if they were not there"),
        ('[{"id": "a"},', "a", "an incomplete write after 1 row", "rows before it"),
        ('[{"id": "a"}]]', "a", "something follows the list of 1 row", "rows of the list are taken"),
        ('[{"id": "a"}, {id: "b"}]', "a", "broken JSON after 1 row: ", "rows before it are taken"),
        ("", "", "the file is empty", "an empty list"),
    ],
)
def test_what_is_wrong_with_a_file_is_called_what_it_is(
    root: Path, text: str, taken: str, what: str, done: str
) -> None:
    write(root)
    (root / "data" / "projects.json").write_text(text, encoding="utf-8")
    with surveyed(root) as index:
        assert [row["id"] for row in index.all("SELECT id FROM project ORDER BY place")] == list(taken)
        found = [each for each in index.oddities() if what in each.what]
    assert len(found) == 1 and found[0].file == "data/projects.json" and done in found[0].done


def test_bytes_that_are_no_text_are_named(root: Path) -> None:
    write(root)
    (root / "data" / "projects.json").write_bytes(b'[{"id": "a"}, {"id": "b\xff"}]')
    assert any("bytes that are not UTF-8, after 1 row" in each.what for each in said(root))


@given(st.text(alphabet=', "\\[]{}\n', max_size=12))
@settings(max_examples=examples(60))
def test_a_comma_in_a_text_stays(text: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="survey-"))
    try:
        write(folder)
        broken = json.dumps([{"id": "a", "name": f"n{text}n"}])[:-1] + ",]"
        (folder / "data" / "projects.json").write_text(broken)
        with surveyed(folder) as index:
            (row,) = index.all("SELECT row FROM project")
            assert " ".join(text.split()) in " ".join(row["row"].decode("utf-8", "replace").split())
    finally:
        shutil.rmtree(folder)


def test_missing_versions_are_named_and_a_raised_current_version_too(root: Path) -> None:
    write(root, projects=[project(4)], editOperations=[op(each) for each in (2, 3, 9)], videos=[], exportVersions=[])
    with surveyed(root) as index:
        assert top(index, "p") == 9
        told = [(each.what, each.done) for each in index.oddities()]
    assert told == [
        ("6 versions of p without operations: 1, 4-8", "versions that change nothing, so that numbers stay"),
        ("currentVersion is 4, and there are rows or files of version 9", "raised to 9"),
    ]


@pytest.mark.parametrize("version", [10**12, 10**30, 1e300, "9" * 400, 10**9, 100_001])
def test_a_version_out_of_range_is_reported_and_makes_no_versions(root: Path, version: object) -> None:
    rows = [op(1), op(version), op(None), op(2, project="lost"), op(version, project="lost")]
    write(root, projects=[project(version)], editOperations=rows, videos=[],
          exportVersions=[{"id": "x", "projectId": "p", "version": version, "pinned": True}])  # fmt: skip
    with surveyed(root) as index:
        assert counted(index).versions == top(index, "p") + top(index, "lost") == 2 + 2
        told = [each for each in index.oddities() if "out of range" in each.what]
    assert {(each.file, each.id) for each in told} == {
        ("data/projects.json", "p"), ("data/editOperations.json", "p"), ("data/editOperations.json", "lost"),
        ("data/exportVersions.json", "p"),
    }  # fmt: skip


def test_identical_rows_of_a_version_are_taken_once_whichever_they_repeat(root: Path) -> None:
    other = [{"type": "marker", "at": 2}]
    rows = [op(1, _id="a"), op(1, _id="b", ops=other), op(1, _id="c"), op(1, _id="d", ops=other)]
    write(root, projects=[project(1)], editOperations=rows, videos=[], exportVersions=[])
    with surveyed(root) as index:
        assert index.number("SELECT count(*) FROM operation") == 2
        told = {each.id: each.done for each in index.oddities()}
    assert told == {
        "b": "the ops of both are taken, in the file's order", "c": "taken once: both say the same",
        "d": "taken once: both say the same",
    }  # fmt: skip


@pytest.mark.parametrize("refs", [0, 10**7, 10**15, -1, "many"])
def test_a_count_of_uploads_that_is_none_is_one(root: Path, refs: object) -> None:
    place(root, "videos/a.mp4", b"a")
    write(root, videos=[{"id": "v", "filename": "a.mp4", "refCount": refs}], projects=[])
    assert any(f"a refCount of {refs}" in each.what for each in said(root))


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_taken(root: Path) -> None:
    for name in ("videos/a.mp4", "videos/b.mp4", "export/p/v1_final.mp4", "proxy/p/v1_proxy.mp4"):
        place(root, name, name.encode())
        (root / "uploads" / name).chmod(0o644 if "b.mp4" in name else 0)
    for each in (root, *root.rglob("*")):
        if each.is_dir() or each.suffix == ".json":
            each.chmod(0o777)
    write(root, projects=[project(1, latestProxyKey="proxy/p/v1_proxy.mp4")], editOperations=[op(1)],
          videos=[{"id": each, "filename": f"{each}.mp4"} for each in "ab"],
          exportVersions=[{"id": "x", "projectId": "p", "version": 1, "key": "export/p/v1_final.mp4"}])  # fmt: skip
    for each in (root / "data", *(root / "data").iterdir()):
        each.chmod(0o777)
    root_user = os.geteuid() == 0
    if root_user:  # who may read everything anyway
        os.seteuid(65534)
    try:
        with surveyed(root) as index:
            found, told = counted(index), [each.what for each in index.oddities()]
    finally:
        if root_user:
            os.seteuid(0)
    assert (found.videos, found.exports, found.proxies) == (1, 1, 0)
    assert len([what for what in told if "can't be read: Permission denied" in what]) == 3
    assert not [what for what in told if "nothing refers to" in what]


def test_texts_that_cannot_be_stored_and_rows_without_a_bottom_do_not_end_a_run(root: Path) -> None:
    odd = {"id": "a\0b", "name": "n", "x\0": {"y\ud800": "\ud83d\ude00 \udc00"}, "currentVersion": 0}
    write(root, projects=[odd, project(1)], videos=[], exportVersions=[], editOperations=[op(1)])
    text = json.dumps([op(1)])[:-1] + ', {"projectId": "p", "version": 2, "ops": ' + "[" * 5_000 + "]" * 5_000 + "}]"
    (root / "data" / "editOperations.json").write_text(text)
    with surveyed(root) as index:
        films = [unpack(row["row"], LegacyProject) for row in index.all("SELECT row FROM project ORDER BY place")]
        told = [each.what for each in index.oddities()]
    assert films[0].id == "a\N{REPLACEMENT CHARACTER}b" and len(films) == 2
    json.dumps(films[0].metadata, ensure_ascii=False).encode()
    assert "\0" not in str(films[0]) and any("nested too deeply" in what for what in told)


TIMES = st.one_of(st.none(), st.integers(0, 40).map(lambda hours: BEGUN + timedelta(hours=hours)))


@given(st.lists(TIMES, max_size=8), TIMES)
@settings(max_examples=examples(150))
def test_versions_without_a_time_lie_between_their_neighbours(times: list[Any], begun: datetime | None) -> None:
    rows = [(number, [LegacyOperation("p", number, [], at)]) for number, at in enumerate(times, 1)]
    found = [each.at for each in dated(rows, begun)]
    known = [at for at in times if at is not None]
    for number, (at, was) in enumerate(zip(found, times, strict=True)):
        if was is not None:
            assert at == was
            continue
        before = [each for each in times[:number] if each is not None][-1:] or ([begun] if begun else [])
        after = [each for each in times[number:] if each is not None][:1]
        if before and after and before[0] <= after[0]:
            assert at is not None and before[0] <= at <= after[0]
        assert (at is None) == (not known and begun is None)


def test_versions_that_are_missing_have_a_time_too(root: Path) -> None:
    rows = [op(2, createdAt="2022-04-15T06:00:00Z"), op(4, createdAt="2022-04-15T08:00:00Z")]
    write(root, projects=[project(5, createdAt="2022-04-15T05:20:00Z")], editOperations=rows)
    with surveyed(root) as index:
        hours = [each.at.hour for each in dated(versions(index, "p", 0), BEGUN) if each.at is not None]
    assert hours == [5, 6, 6, 8, 8]


def test_fields_without_a_place_are_kept_as_metadata_and_named(root: Path) -> None:
    place(root, "videos/a.mp4", b"a")
    history = [{"text": "x" * 100}] * 300
    rows = [op(1, jobId="j", userId="u"), {"projectId": "p", "version": 2, "type": "trim", "start": 1, "userId": "u"}]
    write(
        root,
        projects=[project(2, userId="u", settings={"fps": 25}, chatHistory=history, title="T", favorite=None)],
        videos=[{"id": "v", "filename": "a.mp4", "originalName": "A", "title": "T", "mimeType": "video/mp4\0"}],
        editOperations=rows, exportVersions=[{"id": "x", "projectId": "p", "version": 1, "format": "mp4"}],
    )  # fmt: skip
    with surveyed(root) as index:
        (film,) = (unpack(row["row"], LegacyProject) for row in index.all("SELECT row FROM project"))
        (video,) = (unpack(row["row"], LegacyVideo) for row in index.all("SELECT row FROM video"))
        (export,) = (unpack(row["row"], LegacyExport) for row in index.all("SELECT row FROM export"))
        told = {(each.file, each.what, each.done) for each in index.oddities() if "has no place" in each.what}
    assert film.metadata == {"userId": "u", "settings": {"fps": 25}, "title": "T"}
    assert (video.name, video.metadata) == ("A", {"title": "T", "mimeType": "video/mp4\N{REPLACEMENT CHARACTER}"})
    assert export.metadata == {"format": "mp4"}

    def kept(file: str, *names: str) -> set[tuple[str, str, str]]:
        what = "the field {!r} of 1 row has no place here"
        return {(f"data/{file}.json", what.format(name), "kept as metadata") for name in names}

    large = "the field 'chatHistory' of 1 row has no place here, and is too large for metadata, which is 16384 bytes"
    assert told == {
        *kept("projects", "userId", "settings", "title"), *kept("videos", "title", "mimeType"),
        *kept("exportVersions", "format"), ("data/projects.json", f"{large} of a row", "left in the source"),
        ("data/editOperations.json", "the field 'jobId' of 1 row has no place here", "left in the source"),
    }  # fmt: skip

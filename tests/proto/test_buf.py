"""buf holds the contract: its style, and that it only grows. Runs where buf is on PATH, as it is in CI."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE

PROTO = Path(__file__).parents[2] / "proto"
BUF = shutil.which("buf")
pytestmark = pytest.mark.skipif(BUF is None, reason="buf is not on PATH (npm install -g @bufbuild/buf)")


def buf(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BUF), *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE)


def test_the_contract_is_in_style_and_has_only_grown() -> None:
    assert buf("lint", PROTO).stdout == ""
    assert buf("breaking", PROTO, "--against", PROTO / "released.binpb").stdout == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  string export_id = 1;\n  int32 version = 2;", "  string export_id = 1;\n  int32 version = 3;"),
        ("message ExportRequested {", "message ExportWanted {"),
        ("  optional string message = 5;", "  optional string words = 5;"),
    ],
    ids=["another number", "another message", "another name"],
)
def test_what_readers_rely_on_may_not_change(tmp_path: Path, before: str, after: str) -> None:
    changed = tmp_path / "proto"
    shutil.copytree(PROTO, changed)
    events = changed / "cutlog" / "v1" / "events.proto"
    text = events.read_text()
    assert before in text
    events.write_text(text.replace(before, after, 1))
    result = buf("breaking", changed, "--against", PROTO / "released.binpb")
    assert result.returncode != 0
    assert "events.proto" in result.stdout

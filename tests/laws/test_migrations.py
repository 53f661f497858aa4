"""The migrations of a service follow each other in one line: two with the same number are no way to a schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(ROOT.glob("services/*/migrations/versions"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-3])
def test_migrations_follow_each_other(folder: Path) -> None:
    files = sorted(folder.glob("[0-9]*.py"))
    assert files
    numbers = ["", *(f"{number:04}" for number in range(1, len(files) + 1))]
    assert [file.name[:4] for file in files] == numbers[1:]
    for file, before in zip(files, numbers, strict=False):
        said = dict(re.findall(r'^(down_revision|revision)\b[^=]*= (?:"(\d+)"|None)', file.read_text(), re.MULTILINE))
        assert said == {"revision": file.name[:4], "down_revision": before}, file.name

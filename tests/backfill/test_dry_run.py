"""A dry run tells the truth: it says what the run says, thing by thing, and leaves nothing behind."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cutlog.contract.keys import ImportKey
from tests.backfill.conftest import House, compared
from tests.backfill.legacy_store import broken, effects, sound, write
from tests.support.lanes import later
from tests.support.stacks import CHECKOUT

slow = pytest.mark.slow(reason="moves a store into a whole stack, seconds each")


def runs(house: House) -> set[Path]:
    return {path for path in (house.stack.data / "backfill").glob("*") if path.is_dir()}


def prefix() -> str:
    return f"p{secrets.token_hex(4)}"


STORES: dict[str, Callable[[Path, tuple[bytes, bytes]], object]] = {
    "sound": lambda root, films: sound(root, projects=2, versions=3, clip=films[0], prefix=prefix()),
    "of effects": lambda root, films: effects(root, films, 2.0),
    "broken": lambda root, films: broken(root, films, prefix()),
}


@slow
@pytest.mark.parametrize("kind", ["sound", *later("dozens of projects move in", "of effects", "broken")])
async def test_a_dry_run_says_what_the_run_says_and_leaves_nothing(
    house: House, tmp_path: Path, films: tuple[bytes, bytes], kind: str
) -> None:
    STORES[kind](tmp_path, films)
    before, objects = (await house.rows(), runs(house)), await house.objects()
    dry = house.lines(tmp_path, "--dry-run")
    assert (await house.rows(), runs(house)) == before
    assert await house.objects() - objects == set()  # what earlier tests rolled back may still be on its way out
    lines = house.lines(tmp_path)
    compared(dry, lines)
    compared(house.lines(tmp_path, "--dry-run"), house.lines(tmp_path))  # nothing is new, and both say so
    assert house.rollback(lines[-1]["run"]).returncode == 0
    compared(house.lines(tmp_path, "--dry-run"), house.lines(tmp_path))


@slow
async def test_the_coverage_names_what_does_not_translate_and_why(
    house: House, tmp_path: Path, films: tuple[bytes, bytes]
) -> None:
    ids = prefix()
    broken(tmp_path, films, ids)
    coverage = house.lines(tmp_path, "--dry-run")[-1]["coverage"]
    kinds = {each["kind"]: each for each in coverage["kinds"]}
    assert {kind: each["operations"] for kind, each in kinds.items()} == {
        "cut": 1, "snow": 1, "speed": 1, "trim": 2, "wobble": 2,
    }  # fmt: skip
    assert (coverage["operations"], coverage["translated"], coverage["withThem"], coverage["percent"]) == (12, 3, 2, 25)
    (cut,) = kinds["cut"]["samples"]
    assert cut["project"] == f"{ids}after" and cut["version"] == 1 and "75 to 100" in cut["why"]
    assert cut["op"] == {"type": "cut", "startTime": 3.0, "endTime": 4.0}
    assert {each["project"] for each in kinds["trim"]["samples"]} == {f"{ids}notes", f"{ids}torn"}

    for options in (("--dry-run",), ()):
        shown = " ".join(house.backfill(tmp_path, *options).stdout.split())
        assert "25% of operations translate (3 of 12); kinds that do not: trim 2, wobble 2, cut 1, snow 1," in shown
        assert "kept with them, as they stand beside or after one of these: 2" in shown
        assert '{"type": "cut", "startTime": 3.0, "endTime": 4.0}' in shown and "75 to 100" in shown


@slow
def test_square_brackets_in_a_store_are_printed_as_they_are(
    house: House, tmp_path: Path, films: tuple[bytes, bytes]
) -> None:
    ids = prefix()
    sound(tmp_path, projects=1, versions=1, clip=films[0], prefix=ids)
    operation = {"projectId": f"{ids}-0", "version": 1, "type": "[/b]", "label": "[red]x"}
    write(tmp_path, projects=[{"id": f"{ids}-0", "name": "Reel [/draft]"}], editOperations=[operation])
    dry = house.backfill(tmp_path, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    for text in ("Reel [/draft]", "kinds that do not: [/b] 1", "[red]x"):
        assert text in dry.stdout
    assert house.backfill(tmp_path).returncode == 0


@slow
def test_what_a_dry_run_left_that_was_killed_goes_with_the_next(house: House, tmp_path: Path) -> None:
    write(tmp_path, projects=[{"id": f"{prefix()}-{number}"} for number in range(200)])
    arguments = ["backfill", tmp_path, "--data", house.stack.data, "--tenant", house.tenant, "--json", "--dry-run"]
    command = [sys.executable, "-m", "cutlog", *map(str, arguments)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        run = json.loads(process.stdout.readline())["id"]
        process.send_signal(signal.SIGKILL)
    (left,) = (path for path in runs(house) if path.name == f"dry-{run}")
    object_ = house.stack.data / "objects" / str(ImportKey(run, "0" * 64))
    object_.parent.mkdir(parents=True)
    object_.write_bytes(b"what was being looked into")
    house.lines(tmp_path, "--dry-run")
    assert not left.exists() and not object_.exists()

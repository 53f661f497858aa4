"""What the hook and CI say of the messages of commits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHO = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(command, cwd=folder, env=clean | WHO, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("render: seek to the key frame before leading pictures", ""),
        ("stack, cli: fix service ports\n\nThey changed at each start.\n# a comment\n", ""),
        ("\n# a comment\ndocs: embed the gallery", ""),
        ("ops: process events of old versions", ""),
        ("Merge branch 'x' of somewhere", ""),
        ("fixup! whatever it was", ""),
        ("ops: " + "a" * 66, ""),
        ("ops: " + "a" * 67, "fewer than 72"),
        ("make it work", "name the area"),
        ("render: fixed the seek", "no imperative"),
        ("render: fixes the seek", "no imperative"),
        ("render: fixing the seek", "no imperative"),
        ("render: Fix the seek", "small letter"),
        ("render: fix the seek.", "full stop"),
        ("render: fix the seek\nwithout an empty line", "under the subject empty"),
    ],
)
def test_a_message_is_taken_or_refused_with_the_reason(tmp_path: Path, message: str, complaint: str) -> None:
    (tmp_path / "message").write_text(message)
    done = run(tmp_path, "sh", ROOT / "deploy" / "commit-msg", "message")
    assert (done.returncode == 0) == (not complaint) and complaint in done.stderr


@pytest.mark.slow(reason="makes a repository of its own")
def test_the_hook_is_what_pre_commit_installs_and_ci_looks_at_every_commit(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "begin: add what is there")):
        assert run(tmp_path, "git", *words).returncode == 0
    assert run(tmp_path, Path(sys.executable).with_name("pre-commit"), "install").returncode == 0
    (tmp_path / "new").touch()
    assert run(tmp_path, "git", "add", "new").returncode == 0
    refused = run(tmp_path, "git", "commit", "-m", "new: added a file")
    assert refused.returncode != 0 and "no imperative" in refused.stdout + refused.stderr
    assert run(tmp_path, "git", "commit", "-m", "new: add a file").returncode == 0
    assert run(tmp_path, "git", "commit", "-n", "--allow-empty", "-m", "pass it by").returncode == 0
    for commits, code in (("HEAD~2..HEAD~1", 0), ("HEAD~2..HEAD", 1)):
        assert run(tmp_path, "sh", "deploy/subjects.sh", commits).returncode == code

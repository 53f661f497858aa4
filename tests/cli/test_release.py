"""What is released, and that it runs without the checkout."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.stacks import CHECKOUT, REAL, RunningStack


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", CHECKOUT / "deploy" / "release.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHANGES = "# Changelog\n\n## Unreleased\n\n- new\n\n## 1.0.0 (2026-01-01)\n\n- old\n"


def test_the_changelog_gives_the_notes(release: ModuleType) -> None:
    dated = release.dated(CHANGES, "1.1.0", "2026-02-02")
    assert dated.startswith("# Changelog\n\n## Unreleased\n\n## 1.1.0 (2026-02-02)\n\n- new\n")
    assert [release.notes(dated, each) for each in ("Unreleased", "1.1.0", "1.0.0")] == ["", "- new", "- old"]
    for again in ("1.0.0", "1.1.0"):
        with pytest.raises(release.NotReleased):
            release.dated(dated, again, "2026-03-03")


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3; true"])
def test_a_wrong_version_releases_nothing(release: ModuleType, version: str) -> None:
    with pytest.raises(release.NotReleased, match="is no version"):
        release.release(version)


@pytest.mark.slow(reason="a release is built, installed and run")
async def test_a_release_is_built_tagged_and_its_wheel_runs_a_stack(tmp_path: Path) -> None:
    checkout, installed = tmp_path / "checkout", tmp_path / "installed"
    ignored = shutil.ignore_patterns(".git", ".venv", ".data", ".demo", ".*_cache", "__pycache__", "dist", "*.egg-info")
    shutil.copytree(CHECKOUT, checkout, ignore=ignored, symlinks=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHONPATH"))}
    who = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    async def run(*command: str | Path, cwd: Path = checkout) -> str:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=cwd, env=clean | who, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode()

    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "begin: add what is there")):
        await run("git", *words)
    await run(sys.executable, "deploy/release.py", "9.8.7")
    made = {path.name: path for path in (checkout / "dist").iterdir()}
    wheel = "cutlog-9.8.7-py3-none-any.whl"
    assert made.keys() == {"cutlog-9.8.7.tar.gz", wheel, "NOTES.md", "cutlog-9.8.7.cdx.json"}
    assert json.loads(made["cutlog-9.8.7.cdx.json"].read_text())["bomFormat"] == "CycloneDX"
    assert made["NOTES.md"].read_text().strip() in await run("git", "tag", "-l", "--format=%(contents)", "v9.8.7")
    assert (await run("git", "status", "--porcelain")) == ""
    assert (await run("git", "log", "-1", "--format=%s")) == "release: cut 9.8.7\n"

    zipfile.ZipFile(made[wheel]).extractall(installed)
    installed.chmod(0o755)
    shutil.rmtree(checkout)
    # As installed: what PYTHONPATH names comes before the checkout, which is installed here as editable.
    where = {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    running = RunningStack(tmp_path / "data", REAL, env=clean | where)
    running.start()
    try:
        status, body = running.get("/api/health")
        environment = Path(f"/proc/{running.pids['gateway']}/cmdline").read_bytes().split(b"\0")
        version = await run(sys.executable, "-c", "import cutlog; print(cutlog.__file__)", cwd=tmp_path)
    finally:
        running.stop()
    assert status == 200, body
    assert str(installed / "cutlog/operate/stack/files/Caddyfile").encode() in environment
    assert version

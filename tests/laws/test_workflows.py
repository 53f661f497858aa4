"""What CI runs of others is pinned: a tag can be moved to other code, a digest can't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2] / ".github"
LOCAL = re.compile(r"\./\S+")
ACTION = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
IMAGE = re.compile(r"(docker://)?\S+@sha256:[0-9a-f]{64}")
SAID = re.compile(r"\S+ # v\d+\.\d+\.\d+")


def unpinned(text: str) -> list[str]:
    """Actions and images that are named by anything but a digest, and digests without the version that they are."""
    found = [name for name in _used(yaml.safe_load(text)) if not any(kind.fullmatch(name) for kind in _KINDS)]
    pinned = (line.partition("uses:")[2].strip() for line in text.splitlines() if "uses:" in line)
    return found + [line for line in pinned if ACTION.match(line) and not SAID.fullmatch(line)]


_KINDS = (LOCAL, ACTION, IMAGE)


def _used(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for key, value in node.items():
                if key in ("uses", "image", "container") and isinstance(value, str):
                    yield value
                yield from _used(value)
        case list():
            for value in node:
                yield from _used(value)
        case _:
            return


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.y*ml")), ids=lambda path: path.name)
def test_every_action_and_image_is_pinned_by_digest_with_its_version_beside_it(path: Path) -> None:
    assert unpinned(path.read_text(encoding="utf-8")) == []


def test_there_are_workflows_to_look_at_and_their_pins_are_kept_up_to_date() -> None:
    assert list(ROOT.glob("workflows/*.yml"))
    updates = yaml.safe_load((ROOT / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert "github-actions" in [each["package-ecosystem"] for each in updates]


SHA = "a" * 40


@pytest.mark.parametrize(
    ("line", "good"),
    [
        (f"- uses: actions/checkout@{SHA} # v4.3.1", True),
        (f"- uses: github/codeql-action/init@{SHA} # v3.29.0", True),
        ("- uses: ./.github/actions/own", True),
        (f"- uses: docker://alpine@sha256:{'b' * 64}", True),
        (f"- uses: actions/checkout@{SHA}", False),
        (f"- uses: actions/checkout@{SHA} # v4", False),
        ("- uses: actions/checkout@v4", False),
        ("- uses: actions/checkout@main # v4.3.1", False),
        (f"- uses: actions/checkout@{SHA[:12]} # v4.3.1", False),
        ('- {"uses": "actions/checkout@v4"}', False),
        ("- uses: docker://alpine:3", False),
        ("- container: python:3.14", False),
        ("- services: {db: {image: 'postgres:18'}}", False),
    ],
)
def test_the_law_sees_what_is_not_pinned(line: str, good: bool) -> None:
    assert (unpinned(f"steps:\n  {line}\n") == []) == good


def test_the_corpus_and_its_fuzz_are_jobs_of_their_own() -> None:
    jobs = yaml.safe_load((ROOT / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    runs = {name: [step.get("run") for step in job["steps"]] for name, job in jobs.items()}
    assert "make corpus" in runs["corpus"]
    assert "make fuzz" in runs["fuzz"]

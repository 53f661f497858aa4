"""docs/EDIT-LANGUAGE.md says what the engine does: its examples are read off the page and run."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cutlog.contract.timeline import Canvas
from docs.generate_edit_language import KINDS, PAGE, draw, page, refusal, run
from services.ops.edits.sequence import Sequence

TEXT = PAGE.read_text()
BLOCK = re.compile(r"^```(\w+ \w+)\n(.*?)\n?```$", re.MULTILINE | re.DOTALL)
SECTIONS = {
    match[1]: match[2] for match in re.finditer(r"^### ([a-z]+\.\w+)\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)
}


def test_the_page_is_what_the_generator_writes() -> None:
    assert page() == TEXT, "stale: python -m docs.generate_edit_language"


def test_every_op_has_its_section() -> None:
    assert set(SECTIONS) == set(KINDS)


def drawing(text: str) -> dict[str, str]:
    """The tracks of a drawing on the page; what is said below it is left out."""
    lines = (line.partition("  ") for line in text.split("\n\n")[0].split("\n"))
    return {name: line.strip() for name, _, line in lines}


def the_film(blocks: dict[str, str]) -> Sequence:
    """The film on which an example begins: that of the page, and what is given."""
    start: list[dict[str, Any]] = json.loads(dict(BLOCK.findall(TEXT))["json start"])
    return run([*start, *json.loads(blocks.get("json given", "[]"))], Sequence("Example", Canvas()))


@pytest.mark.parametrize("tag", sorted(SECTIONS))
def test_an_example_does_what_the_page_says(tag: str) -> None:
    blocks = dict(BLOCK.findall(SECTIONS[tag]))
    before = the_film(blocks)
    assert {name: line.strip() for name, line in draw(before).items()} == drawing(blocks["text before"])
    after = run(json.loads(blocks["json ops"]), before)
    assert {name: line.strip() for name, line in draw(after).items()} == drawing(blocks["text after"])


@pytest.mark.parametrize("tag", sorted(SECTIONS))
def test_what_the_page_says_is_refused_is_refused_in_those_words(tag: str) -> None:
    before = the_film(dict(BLOCK.findall(SECTIONS[tag])))
    refused = re.findall(r"^- `(\{.*\})`<br>(?:`([^`]*)`|the op): (.*)$", SECTIONS[tag], re.MULTILINE)
    assert refused, "every op says what is refused"
    for op, pointer, detail in refused:
        assert refusal(json.loads(op), before) == (pointer, detail)

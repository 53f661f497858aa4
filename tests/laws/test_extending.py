"""docs/EXTENDING.md names places that are there."""

from __future__ import annotations

import re

import pytest

from tests.laws.modules import ROOT

PLACES = re.findall(r"`([\w./-]+)::(\w+)`", (ROOT / "docs" / "EXTENDING.md").read_text())


def test_the_page_names_places() -> None:
    assert len(PLACES) > 15


@pytest.mark.parametrize(("path", "name"), PLACES)
def test_a_place_to_extend_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(?:async )?(?:def |class |message |){name}\b", (ROOT / path).read_text(), re.MULTILINE), name

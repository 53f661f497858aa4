"""Names of segments stay as they are from one build to the next: caches are full of them."""

from __future__ import annotations

import msgspec

from tests.render.names import NAMES, Names, named


def test_no_segment_has_another_name_than_ever() -> None:
    """If it is meant to: raise the REVISION of services/render/plan/segments.py where pictures change, and run
    `make golden`, or `python -m tests.render.names` where none do."""
    pinned, now = msgspec.json.decode(NAMES.read_bytes(), type=Names), named()
    assert {name for name, digest in now.features.items() if pinned.features.get(name) != digest} == set()
    assert {name for name, digest in now.profiles.items() if pinned.profiles.get(name) != digest} == set()
    assert (now.features.keys(), now.profiles.keys()) == (pinned.features.keys(), pinned.profiles.keys())

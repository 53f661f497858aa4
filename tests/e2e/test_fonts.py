"""A font, from its upload to the film and what gc says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.e2e.conftest import Tenant
from tests.support.painting import pictures
from tests.support.typefaces import VARIABLE
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow(reason="needs the whole stack, beside the main job")

CANVAS = {"width": 320, "height": 180, "fps": [25, 1]}


def titled(**style: Any) -> list[dict[str, Any]]:
    text = {"text": "Hamburg", "size": 0.3, **style}
    return [
        {"op": "track.add", "track": "t", "kind": "video"},
        {"op": "clip.add", "clip": "c", "track": "t", "at": 0, "frames": 5, "text": text},
    ]


async def ink(tenant: Tenant, project: str, version: int) -> float:
    """How bright the first frame of a version's export is."""
    export = await tenant.client.request_export(project, version)
    done = await tenant.client.finished_export(project, export.id)
    assert done.status == "ready" and done.key
    return float(next(pictures(tenant.object(done.key))).astype(np.float64).mean())


async def test_a_title_is_exported_in_an_uploaded_font_which_counts_as_used(tenant: Tenant) -> None:
    client = tenant.client
    font = await client.upload(VARIABLE)
    assert font.kind == "font"
    # At once, while it is being processed.
    project = await client.create_project("Titles", CANVAS)
    await client.commit(project.id, titled(font=font.id, weight=900))
    await client.commit(project.id, [{"op": "text.set", "clip": "c", "weight": 100}])
    assert (await client.rendered_version(project.id, 2)).proxy.status == "ready"
    await client.commit(project.id, [{"op": "clip.remove", "clip": "c"}])
    black, thin = await ink(tenant, project.id, 1), await ink(tenant, project.id, 2)
    assert black > 1.5 * thin > 0

    async def unused() -> list[str]:
        answer = await client.transport.ask(dict[str, Any], "GET", "/api/admin/gc/unused-videos")
        return [each["id"] for each in answer["items"]]

    async def uses() -> int:
        return int((await client.transport.ask(dict[str, Any], "GET", f"/api/videos/{font.id}"))["uses"])

    # Version 3 shows no title any more, but 1 and 2 can be gone back to.
    await eventually(lambda: _is(uses, 1))
    assert await unused() == []
    await client.delete_project(project.id)
    await eventually(lambda: _is(unused, [font.id]))


async def _is(ask: Any, wanted: object) -> bool:
    return bool(await ask() == wanted)

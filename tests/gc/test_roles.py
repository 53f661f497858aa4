"""Every route of the collector, as its OpenAPI document lists them, is for admins."""

from __future__ import annotations

import re
from typing import Any

from tests.gc.conftest import Gc

ADMINS = 17


async def test_every_route_answers_403_to_all_other_roles(gc: Gc) -> None:
    service = {"Authorization": f"Bearer {gc.settings_for.token('service')}"}
    async with gc.session.get(f"{gc.url}/internal/openapi.json", headers=service) as reply:
        document: Any = await reply.json()
    routes = [
        (method.upper(), re.sub(r"\{\w+\}", "x", path))
        for path, item in document["paths"].items()
        for method in item
        if path.startswith(("/api/admin/", "/api/compat/admin/"))
    ]
    assert len(routes) >= ADMINS
    for method, path in routes:
        for role in ("viewer", "editor", "operator"):
            headers = {"Authorization": f"Bearer {gc.settings_for.token(role)}"}
            async with gc.session.request(method, gc.url + path, json={}, headers=headers) as reply:
                assert reply.status == 403, (method, path, role)
        async with gc.session.request(method, gc.url + path, json={}) as reply:
            assert reply.status == 401, (method, path)

"""The OpenAPI document of a whole stack."""

from __future__ import annotations

import json
from typing import Any

from tests.support.stacks import RunningStack
from tests.support.waiting import eventually_sync


def whole(stack: RunningStack) -> dict[str, Any]:
    """The document, once every service is there: other tests end some of them."""

    def complete() -> dict[str, Any] | None:
        status, body = stack.get("/api/openapi.json")
        found: dict[str, Any] = json.loads(body) if status == 200 else {"paths": {}}
        wanted = ("/api/videos", "/api/admin/gc/policy", "/api/projects")
        there = all(path in found["paths"] for path in wanted) and any("/frame" in path for path in found["paths"])
        return found if there else None

    found = eventually_sync(complete)
    assert found is not None
    return found

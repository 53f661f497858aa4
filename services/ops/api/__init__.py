"""The HTTP face of ops: projects, edits, timelines, interchange, versions, exports, events."""

from __future__ import annotations

from collections.abc import Mapping

from cutlog.web import Api, federate
from services.ops import compat
from services.ops.api import (
    edits,
    events,
    exports,
    history,
    imports,
    interchange,
    internal,
    pins,
    projects,
    timelines,
    versions,
)
from services.ops.api.context import Ops
from services.ops.api.refusals import map_refusals
from services.ops.compat.marks import Marks
from services.ops.compat.reads import OldRows


def make_api(ops: Ops, rows: OldRows, peers: Mapping[str, str], token: str) -> Api:
    """All routes of the service, and what it gathers from its peers, which know it by `token`."""
    api = Api("ops", title="Projects, edits and exports")
    map_refusals(api)
    # Edits first: routes are looked through in order, and nothing is asked for as often.
    for part in (edits, projects, history, timelines, interchange, versions, exports, pins, events, internal, imports):
        part.routes(api, ops)
    compat.routes(api, ops, rows, Marks(peers.get("gc"), token))
    federate(api, peers)
    return api

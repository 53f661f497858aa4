"""The HTTP face of ops: projects, edits, timelines, interchange, versions, exports, events."""

from __future__ import annotations

from collections.abc import Mapping

from cutlog.web import Api, federate
from services.ops.api import (
    access,
    drafts,
    edits,
    events,
    exports,
    history,
    imports,
    interchange,
    internal,
    issuers,
    keys,
    pins,
    projects,
    sessions,
    tickets,
    timelines,
    versions,
)
from services.ops.api.context import Ops
from services.ops.api.effect_schemas import by_kind
from services.ops.api.problems import map_problems


def make_api(ops: Ops, peers: Mapping[str, str]) -> Api:
    """All routes of the service but those of the old backend, and what it gathers from its peers."""
    api = Api("ops", title="Projects, edits and exports", refine=by_kind)
    map_problems(api)
    # Edits first: routes are looked through in order, and nothing is asked for as often.
    everyday = (edits, drafts, projects, history, timelines, interchange, versions, exports, pins, events)
    for part in (*everyday, access, keys, tickets, sessions, issuers, internal, imports):
        part.routes(api, ops)
    federate(api, peers)
    return api

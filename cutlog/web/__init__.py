"""HTTP for every service: typed routes that validate, document and observe themselves.

    api = Api("ops", title="Projects, edits, exports")

    @api.post("/api/projects", role=Role.editor, body=NewProject, returns={201: Project}, summary="Creates a project")
    async def create(req: Request[NewProject]) -> Reply:
        return Reply(201, await projects.create(req.actor.tenant, req.body))

    async with serve_http(api, settings, gate, checks={"database": ping}) as server:
        await stop.wait()

The conventions are those of the public contract: problem+json with JSON pointers, bearer tokens, tenants, limits,
opaque cursors, OpenAPI 3.1 from the types that validate.
"""

from cutlog.auth.actor import Actor
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint, verify
from cutlog.contract.answers.pages import Page
from cutlog.contract.answers.problems import ProblemError
from cutlog.web.api import Api, Content
from cutlog.web.federation import federate
from cutlog.web.page import ListQuery, decode_cursor, encode_cursor
from cutlog.web.problems import Problem, ProblemType
from cutlog.web.ratelimit import Rate
from cutlog.web.reply import Reply
from cutlog.web.request import Request
from cutlog.web.server import Server, serve_http
from cutlog.web.sse import EventStream

__all__ = [
    "Actor",
    "Api",
    "Content",
    "EventStream",
    "ListQuery",
    "Page",
    "Problem",
    "ProblemError",
    "ProblemType",
    "Rate",
    "Reply",
    "Request",
    "Role",
    "Server",
    "decode_cursor",
    "encode_cursor",
    "federate",
    "mint",
    "serve_http",
    "verify",
]

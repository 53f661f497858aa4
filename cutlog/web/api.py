"""A service's routes, collected by decorators: what each takes, gives and demands, in types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Required, TypedDict, TypeVar, Unpack

import msgspec
from aiohttp import web

from cutlog.auth.actor import Actor
from cutlog.auth.audit import Entry
from cutlog.auth.roles import Role
from cutlog.db.idempotency import KeyReusedError
from cutlog.db.skipping import SkippedRows, Skipping
from cutlog.web.envelope import enveloped
from cutlog.web.metrics import HttpMetrics
from cutlog.web.outages import OUTAGES
from cutlog.web.problems import IDEMPOTENCY_KEY_REUSED, Problem, ProblemType
from cutlog.web.reply import JSON, Reply
from cutlog.web.request import Request

Handler = Callable[[Request[Any, Any]], Awaitable[Reply | web.StreamResponse]]
H = TypeVar("H", bound=Callable[..., Awaitable[Reply | web.StreamResponse]])
Check = Callable[[], Awaitable[None]]
Alarms = Callable[[], Awaitable[list[str]]]
ToProblem = Callable[[Any], Problem | None]

MAX_BODY: Final = 1 << 20
"""Bytes of a body unless the route says otherwise."""

_NAME = re.compile(r"\{(\w+)(?::[^{}]*)?\}")


@dataclass(frozen=True)
class Content:
    """An answer that is not JSON, for `returns`: `Content("image/jpeg")`. `of` are types of its
    values: of JSON under another media type, or of the data of events (`text/event-stream`)."""

    media_type: str
    of: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Header:
    """A header of requests. `schema` is a JSON Schema of its text."""

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


class How(TypedDict, total=False):
    """What a route takes, gives and demands."""

    role: Required[Role | None]
    """Who may call; None: everybody, without a token. Role.service exactly on `/internal/…`."""
    returns: Required[Mapping[int, Any]]
    """Status → type of the body: a msgspec type, None for no body, Content("image/jpeg") for other media."""
    summary: Required[str]
    """A few words for the documentation; the handler's docstring is the description."""
    body: Any
    """Type of the JSON body; `bytes`: any body, as it comes, of media type `consumes`; None, the default: no body."""
    body_optional: bool
    """An empty body gives `req.body is None`."""
    consumes: str
    """Media type of a body that is not JSON; `*/*`: any."""
    form: tuple[str, ...]
    """Fields of a form: that of the file, and those with text; default: `file`."""
    stream: bool
    """The handler reads the body from `req.http` itself (see multipart.parts) and keeps its own limit."""
    max_body: int
    """Bytes; more is answered 413."""
    query: type[msgspec.Struct] | None
    """Struct of the query parameters (see ListQuery); without one any parameter is refused."""
    path: Mapping[str, type[int] | type[str]]
    """Types of `{names}`: `int` (0 to 2^31 - 1), `str` (any text); default: an id."""
    problems: tuple[ProblemType, ...]
    """Problems that the handler itself answers, for the documentation; those of every route need not be listed."""
    token_optional: bool
    """A public route that tells more to who sends a token; one that is not good is 401."""
    signed: bool
    """A public route of signed links: the handler answers 403 to one that is not ours, and these are counted."""
    also: tuple[str, ...]
    """Further media types in which the answer of status 200 comes, for the documentation."""
    headers: tuple[Header, ...]
    """Headers of requests that the handler reads itself, for the documentation."""
    events: bool
    """A Server-Sent-Events stream: the token may also come as `?access_token=`."""
    scope: Literal["project", "own", "none"]
    """What a key with `projects` may do: "project", the default where the path has `{project}`: if it is one of them;
    "own", the default where it has `{video}` or `{upload}`: what `Api.sees` lets it, and the handler, which looks at
    `req.actor.projects`; "none", the default elsewhere: nothing."""
    cost: int
    """As how many requests it counts against the rate of its subject; default: 1."""
    audit: str
    """What the audit log calls a request that was answered without a problem, such as `pin.changed`."""
    callers: tuple[str, ...]
    """Of `/internal/`: the services that may call; default: all."""
    hidden: bool
    """Not in the documentation, like all of `/internal/`."""
    tag: str
    """Group in the documentation; default: the title of the Api."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path. See How."""

    method: str
    template: str
    handler: Handler
    role: Role | None
    returns: Mapping[int, Any]
    summary: str
    body: Any = None
    body_optional: bool = False
    consumes: str = JSON
    form: tuple[str, ...] = ("file",)
    stream: bool = False
    max_body: int = MAX_BODY
    query: type[msgspec.Struct] | None = None
    path: Mapping[str, type[int] | type[str]] = field(default_factory=dict)
    problems: tuple[ProblemType, ...] = ()
    token_optional: bool = False
    signed: bool = False
    also: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    events: bool = False
    scope: Literal["project", "own", "none"] | None = None
    cost: int = 1
    audit: str = ""
    callers: tuple[str, ...] = ()
    hidden: bool = False
    tag: str = ""

    def __post_init__(self) -> None:
        internal = self.template.startswith("/internal/")
        if self.role is not None and internal != (self.role is Role.service):
            raise ValueError(f"{self.template}: role service belongs to /internal/ and nowhere else")
        if self.method == "GET" and (self.body is not None or self.stream):
            raise ValueError(f"{self.template}: a GET has no body")
        if self.signed and self.role is not None:
            raise ValueError(f"{self.template}: signed links are for those without a token")
        if self.method != "GET" and self.events:
            raise ValueError(f"{self.template}: EventSource can only GET")
        if self.token_optional and self.role is not None:
            raise ValueError(f"{self.template}: a route that demands a token does not leave it open")
        if self.callers and not internal:
            raise ValueError(f"{self.template}: only /internal/ is for some services")
        unknown = set(self.path) - set(self.names)
        if unknown:
            raise ValueError(f"{self.template}: no such names in the path: {unknown}")

    @property
    def names(self) -> list[str]:
        """The `{names}` in the template, in order."""
        return _NAME.findall(self.template)

    @property
    def scoped(self) -> Literal["project", "own", "none"]:
        """What a key with `projects` may do here. Old frontends have no such keys."""
        if self.scope is not None or enveloped(self.template):
            return self.scope or "none"
        if "project" in self.names:
            return "project"
        return "own" if {"video", "upload"} & set(self.names) else "none"

    @property
    def plain(self) -> str:
        """The template as OpenAPI writes it, without patterns."""
        return _NAME.sub(r"{\1}", self.template)

    @property
    def operation(self) -> str:
        """The operationId: `postProjectsByProjectOps` for POST /api/projects/{project}/ops."""
        words = re.findall(r"\{|\w+", self.plain.removeprefix("/api"))
        return self.method.lower() + "".join("By" if word == "{" else word[0].upper() + word[1:] for word in words)

    @property
    def idempotent(self) -> bool:
        """Whether it reads an Idempotency-Key."""
        return self.method == "POST" and not self.stream and not {201, 202}.isdisjoint(self.returns)

    @property
    def description(self) -> str:
        """The handler's docstring."""
        return inspect.getdoc(self.handler) or ""

    @property
    def shown(self) -> bool:
        """Whether the documentation shows it."""
        return not self.hidden and not self.template.startswith("/internal/")


@dataclass
class Api:
    """The HTTP face of one service.

    `name` is the service's, `title` what its group is called in the documentation. `checks` are asked by `/readyz`:
    a check that raises means not ready. `alarms` name what was put right and somebody should look into.
    `metrics.registry` takes further metrics of the service.
    """

    name: str
    title: str = ""
    version: str = "1"
    routes: list[Route] = field(default_factory=list)
    refine: Callable[[dict[str, Any]], dict[str, Any]] = dict
    """Changes the components of the OpenAPI document, where more is to be said than types do."""
    sees: Callable[[Actor, str, Mapping[str, Any]], Awaitable[None]] | None = None
    """Asked with method and path on a route of scope "own". Raises Problem for what a limited key does not see."""
    audit: Callable[[Entry], Awaitable[None]] | None = None
    """Keeps entries of the audit log."""
    checks: dict[str, Check] = field(default_factory=dict)
    alarms: list[Alarms] = field(default_factory=list)
    metrics: HttpMetrics = field(init=False)
    _skipped: SkippedRows = field(default_factory=SkippedRows)
    _problems: dict[type[BaseException], ToProblem] = field(default_factory=lambda: dict(OUTAGES))

    def __post_init__(self) -> None:
        self.metrics = HttpMetrics(self.name)
        self.metrics.registry.register(self._skipped)
        self.problem(KeyReusedError, IDEMPOTENCY_KEY_REUSED)

    def route(self, method: str, template: str, **how: Unpack[How]) -> Callable[[H], H]:
        """Registers a handler: an async function of one Request that returns a Reply (or an aiohttp StreamResponse)."""
        how.setdefault("tag", self.title or self.name)

        def register(handler: H) -> H:
            self.routes.append(Route(method=method, template=template, handler=handler, **how))
            return handler

        return register

    def get(self, template: str, **how: Unpack[How]) -> Callable[[H], H]:
        """Registers a GET, and HEAD with it unless it is an event stream."""
        return self.route("GET", template, **how)

    def post(self, template: str, **how: Unpack[How]) -> Callable[[H], H]:
        """Registers a POST."""
        return self.route("POST", template, **how)

    def put(self, template: str, **how: Unpack[How]) -> Callable[[H], H]:
        """Registers a PUT."""
        return self.route("PUT", template, **how)

    def patch(self, template: str, **how: Unpack[How]) -> Callable[[H], H]:
        """Registers a PATCH."""
        return self.route("PATCH", template, **how)

    def delete(self, template: str, **how: Unpack[How]) -> Callable[[H], H]:
        """Registers a DELETE."""
        return self.route("DELETE", template, **how)

    def check(self, name: str, check: Check) -> None:
        """Adds a readiness check: it raises while the service cannot do its work."""
        self.checks[name] = check

    def skips(self, *loops: Skipping) -> None:
        """Shows rows that background loops skip: as alarms, and their number in the metric `cutlog_skipped_rows`."""
        self._skipped.loops += loops
        self.alarms += [each.alarms for each in loops]

    def problem(
        self,
        error: type[BaseException],
        to_problem: ToProblem | ProblemType,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """How a domain error is answered: `api.problem(VersionConflict, VERSION_CONFLICT)`.

        Covers subclasses that are not mapped themselves. The detail is what the error was raised with, or else the
        first sentence of its docstring. Give a function where the answer needs more, such as errors; None from it
        means: not an error that a client should see.
        """
        if isinstance(to_problem, ProblemType):
            of, sentence = to_problem, (inspect.getdoc(error) or error.__name__).split("\n", 1)[0]

            def answered(raised: BaseException) -> Problem:
                return of(str(raised) or sentence, headers=headers)

            self._problems[error] = answered
        else:
            self._problems[error] = to_problem

    def problem_of(self, error: BaseException) -> Problem | None:
        """The answer for an error, or None when it is unexpected."""
        if isinstance(error, Problem):
            return error
        for kind in error.__class__.__mro__:
            if kind in self._problems:
                return self._problems[kind](error)
        if isinstance(error, BaseExceptionGroup):  # from a TaskGroup: the first that has an answer
            return next(filter(None, map(self.problem_of, error.exceptions)), None)
        return None

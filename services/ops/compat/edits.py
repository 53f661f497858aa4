"""Edits in the words of the old backend: translated by the rules of an import, or refused. None is half done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import chain
from typing import Any, Final

import msgspec

from cutlog.contract.ids import is_id
from cutlog.contract.imports import Written
from cutlog.contract.limits import MAX_OPS
from cutlog.contract.ops import Op
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.envelope import Answer
from cutlog.web.reply import JSON
from services.ops.api.context import Ops, who
from services.ops.api.edits import check_stored_size
from services.ops.api.once import keep, once
from services.ops.api.problem_types import OP_REFUSED
from services.ops.compat.projects import found_of
from services.ops.compat.reads import Found, OldRows
from services.ops.compat.rows import TAG, Edited, NewOps, Operations, OperationsQuery
from services.ops.decide.commands import CommitOps, ProjectCommand
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import NotFound, NotTranslated
from services.ops.legacy.draft import Draft
from services.ops.legacy.reading import Untranslatable
from services.ops.legacy.translate import meant, opened_with
from services.ops.legacy.wording import begins_as_film, instead, job_id, operation_id, settled, unwrapped
from services.ops.project.catalog import Shelf
from services.ops.project.handling import Outcome

MAX_BODY: Final = 256 << 10
PAGE: Final = 200
DEEPEST: Final = 8


def routes(api: Api, ops: Ops, rows: OldRows) -> None:
    """Adds the routes."""

    @api.post(
        "/api/compat/projects/{project}/ops",
        role=Role.editor,
        body=NewOps,
        max_body=MAX_BODY,
        returns={201: Answer[Edited]},
        problems=(OP_REFUSED,),
        summary="Appends ops as one version",
        tag=TAG,
    )
    async def edit(req: Request[NewOps]) -> Reply:
        """400 if an op has no exact equivalent: nothing is stored, and the message names what to send instead."""
        project_id, sent = req.path["project"], req.body.ops
        check_stored_size(req.raw + req.raw)  # both what came and what it means are stored

        async def act() -> Reply:
            found = await found_of(rows, req)
            film = await _film(ops, found, project_id)

            async def make(state: ProjectState | None) -> ProjectCommand:
                if state is None:
                    raise NotFound("The project does not exist.")
                named = set(_words(sent)) | ({film} if film else set())
                called = await ops.catalog.aliases(req.actor.tenant, named)
                meaning = {each: called.get(each, each) for each in named}
                shelf = await ops.catalog.shelf(req.actor.tenant, chain(state.sequence.uses, meaning.values()))
                videos = {each: media for each, media in meaning.items() if shelf.get(media) is not None}
                made = _meant(sent, state, shelf, videos, meaning.get(film or ""))
                typed = msgspec.convert(made, tuple[Op, ...])
                return CommitOps(typed, tuple(made), shelf, shelf.sha256, written=Written(ops=sent))

            def body(outcome: Outcome) -> Answer[Edited]:
                version = outcome.state.version
                data = Edited(
                    project_id=project_id, version=version, operation_id=operation_id(project_id, version),
                    job_id=job_id(project_id, version), ops=sent,
                )  # fmt: skip
                return Answer(data=data, message=f"Version {version} was created; its proxy is being rendered.")

            outcome = await ops.handling.project(project_id, who(req), make, keep=keep(req, 201, body))
            return Reply(201, body(outcome))

        return await once(ops, req, act)

    @api.get(
        "/api/compat/projects/{project}/ops",
        role=Role.viewer,
        query=OperationsQuery,
        returns={200: Answer[Operations]},
        summary="Lists versions with their ops, in order",
        tag=TAG,
    )
    async def index(req: Request[None, OperationsQuery]) -> Reply:
        """Up to `version`. Ops of the edit language are shown as effects of that name."""
        owner = await ops.owner(req, req.path["project"])
        last = owner.version if req.query.version is None else min(owner.version, req.query.version)
        return Reply.stream(200, _listed(rows, req.path["project"], owner.version, last), JSON)


async def _film(ops: Ops, found: Found, project_id: str) -> str | None:
    """The video as all of which a project begins, if it does."""
    said = found.metadata.get("videoId")
    if isinstance(said, str) and not found.brought:
        return said
    if not found.brought or not found.row.current_version:
        return None
    first = await ops.reads.versions(project_id, 1, 1, 1)
    return found.row.video_id if first and begins_as_film(first[0].ops) else None


def _meant(
    sent: tuple[dict[str, Any], ...], state: ProjectState, shelf: Shelf, videos: dict[str, str], film: str | None
) -> list[dict[str, Any]]:
    """What ops mean in ours, for the next version of a project, which begins as `film` if there is one. Raises
    NotTranslated."""
    version, sequence = state.version + 1, state.sequence
    made: list[dict[str, Any]] = []
    if version == 1 and film is not None:
        try:
            made, sequence = opened_with(film, None, sequence, shelf)
        except Untranslatable as error:
            raise NotTranslated(f"Video {film} cannot be added to the timeline: {error}.") from None
    given = [unwrapped(op) for op in sent]
    seconds = float(sequence.duration / sequence.canvas.fps.fraction)
    try:
        conventions = settled(given, seconds, whole_film=film is not None)
    except Untranslatable as error:
        raise NotTranslated(f"{error}.") from None
    for index, op in enumerate(given):
        draft = Draft(sequence, videos, shelf, f"c{version}-{index}")
        try:
            meant(op, draft, conventions)
        except Untranslatable as error:
            raise NotTranslated(f"ops[{index}]: {error}. Nothing was changed. {instead(op, sequence)}") from None
        made += draft.ops
        sequence = draft.sequence
        if len(made) > MAX_OPS:
            raise NotTranslated(f"The ops lead to more than {MAX_OPS} changes of clips; send fewer at once.")
    return made


def _words(value: Any, depth: int = 0) -> Iterator[str]:
    """Everything in ops that could be the id of a video."""
    match value:
        case str() if is_id(value):
            yield value
        case Mapping() if depth < DEEPEST:
            for each in value.values():
                yield from _words(each, depth + 1)
        case list() | tuple() if depth < DEEPEST:
            for each in value:
                yield from _words(each, depth + 1)
        case _:
            pass


async def _listed(rows: OldRows, project_id: str, current: int, last: int) -> AsyncIterator[bytes]:
    """The answer with all versions to `last`, a page at a time: memory stays flat, however long the history is."""
    head = msgspec.json.encode({"projectId": project_id, "currentVersion": current})
    yield b'{"success":true,"data":' + head[:-1] + b',"operations":['
    first, comma = 1, b""
    while first <= last:
        page = await rows.operations(project_id, first, last, PAGE)
        if not page:
            break
        yield comma + b",".join(map(msgspec.json.encode, page))
        first, comma = page[-1].version + 1, b","
    yield b"]}}"

"""Frames of drafts: of the newest revision, found again by the version that is made of it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping

import av
import msgspec
import numpy as np
import pytest

from cutlog.web import Problem, Reply
from services.render.api.drafts import Newest
from tests.render.house import House
from tests.support.painting import Mark, Painter, read_mark


class Drawing:
    """A picture that is drawn until it is let go. `drawn` counts those that were finished."""

    def __init__(self) -> None:
        self.begun, self.go, self.drawn = asyncio.Event(), asyncio.Event(), 0

    async def __call__(self) -> Reply:
        self.begun.set()
        await self.go.wait()
        self.drawn += 1
        return Reply.empty(200)


async def test_only_the_newest_revision_is_drawn_while_somebody_drags() -> None:
    newest, others, drawings = Newest(), Drawing(), [Drawing() for _ in range(30)]
    other = asyncio.create_task(newest.drawn("d_2", 1, others()))
    waiting = []
    for revision, drawing in enumerate(drawings, 1):
        newest.seen("d_1", revision)
        waiting.append(asyncio.create_task(newest.drawn("d_1", revision, drawing())))
        await drawing.begun.wait()
    for drawing in (*drawings, others):
        drawing.go.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [drawing.drawn for drawing in drawings] == [0] * 29 + [1]
    assert all(isinstance(each, Problem) and each.status == 409 for each in ended[:-1])
    assert isinstance(ended[-1], Reply)
    assert isinstance(await other, Reply)
    assert newest.overtaken("d_1", 29)
    assert not newest.overtaken("d_1", 30)


async def test_who_goes_away_ends_only_their_own_picture() -> None:
    newest, mine, theirs = Newest(), Drawing(), Drawing()
    going = asyncio.create_task(newest.drawn("d_1", 1, mine()))
    staying = asyncio.create_task(newest.drawn("d_1", 1, theirs()))
    await asyncio.gather(mine.begun.wait(), theirs.begun.wait())
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    theirs.go.set()
    assert isinstance(await staying, Reply)
    assert (mine.drawn, theirs.drawn) == (0, 1)


@pytest.mark.slow(reason="starts ops and render, and draws pictures")
async def test_a_frame_of_a_draft_is_that_of_the_version_it_becomes(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    await house.shot(project, "v_1", 0, 13, 43)
    drafts = f"/api/projects/{project}/drafts"

    async def ask(path: str, role: str = "viewer", tenant: str = "default") -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {house.settings.token(role, tenant=tenant)}"}
        async with house.session.get(house.settings.peers["render"] + path, headers=headers) as reply:
            return reply.status, reply.headers.copy(), await reply.read()

    async with house.render():
        slip = {"op": "clip.slip", "clip": "c0", "by": 5}
        draft = await house.call("POST", drafts, {"ops": [slip]}, 201)
        path = f"{drafts}/{draft['id']}"
        status, _, body = await ask(f"{path}/frame?at=9&width=160&revision=1")
        assert status == 200
        with av.open(io.BytesIO(body), "r") as container:
            picture = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)
        assert read_mark(picture) == Mark(1, 13 + 5 + 9)

        slip["by"] = 7
        await house.call("PUT", path, {"ops": [slip]})
        status, _, body = await ask(f"{path}/frame?at=9&width=160&revision=1")
        assert (status, msgspec.json.decode(body)["type"].rpartition("/")[2]) == (409, "draft-overtaken")
        status, seen, body = await ask(f"{path}/frame?at=9&width=160")
        assert status == 200

        stills = house.studio.blobs.root / "segments"
        before = len(list(stills.rglob("*.jpeg")))
        version = (await house.call("POST", f"{path}/commit", {}, 201))["version"]
        status, again, same = await ask(f"/api/projects/{project}/versions/{version}/frame?at=9&width=160")
        assert (status, again["ETag"], same) == (200, seen["ETag"], body)
        assert len(list(stills.rglob("*.jpeg"))) == before, "nothing was drawn again"

        assert (await ask(f"{path}/frame?at=30"))[0] == 422
        assert (await ask(f"{path}/frame?at=0", tenant="other"))[0] == 404
        assert (await ask(f"{drafts}/d_none/frame?at=0"))[0] == 404
        await house.call("DELETE", path, expect=204)
        assert (await ask(f"{path}/frame?at=0"))[0] == 404

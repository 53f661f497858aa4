"""A small edit can't make a timeline that nobody could hold: its cost is known before it is applied."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator
from string import ascii_letters

import aiohttp
import msgspec
import pytest

from cutlog.hosting.settings import Budgets
from services.ops.bootstrap import serving
from services.ops.decide.commands import ForkProject
from services.ops.decide.project import decide
from services.ops.edits.size import Budget, OverBudgetError, size
from services.ops.edits.sources import TRUSTED, Known
from services.ops.project.apart import apart
from services.ops.timeline.resolve import resolve
from tests.ops.conftest import Client
from tests.ops.films import FILM, animated, begun, edited, splits
from tests.support.configuration import SettingsFactory
from tests.support.lanes import later


def test_parts_of_a_clip_count_with_all_of_its_keyframes() -> None:
    one, three = begun(), edited(begun(), splits(2), Known({}))
    assert (one.size, three.size) == (1004, 3 * 1004)
    assert size(three.tracks) == three.size, "what is kept is what is counted anew"
    assert len(msgspec.json.encode(resolve(three, "p", "t", 1, {}))) < three.size * 100


@pytest.mark.parametrize(
    ("budget", "named", "used"),
    [(Budget(timeline_values=5000), "timelineValues", 5020), (Budget(edit_values=5000), "editValues", 6024)],
)
def test_a_batch_stops_at_the_op_that_exceeds_a_budget(budget: Budget, named: str, used: int) -> None:
    with pytest.raises(OverBudgetError) as refused:
        edited(begun(), splits(900), Known({}, budget))
    error = refused.value
    assert (error.budget, error.limit, error.used) == (named, 5000, used)
    assert error.pointer == ("/ops/3" if named == "timelineValues" else "/ops/2"), "no later op was tried"
    assert str(error.used) in error.detail and "5000" in error.detail


def test_a_timeline_over_its_budget_can_be_made_smaller_and_the_log_is_never_doubted() -> None:
    large = edited(begun(), splits(9), TRUSTED)
    assert large.size == 10 * 1004
    strict = Known({}, Budget(timeline_values=5000))
    smaller = edited(large, [{"op": "clip.remove", "clip": "c4"}, animated("c1", 2)], strict)
    assert smaller.size == 8 * 1004 + 6
    with pytest.raises(OverBudgetError):
        edited(smaller, [animated("c1", 3)], strict)


def test_a_project_over_the_budget_is_not_forked() -> None:
    large = edited(begun(), splits(9), TRUSTED)
    with pytest.raises(OverBudgetError):
        decide(None, ForkProject("Copy", "p", 1, large, lambda _: "", Budget(timeline_values=10_039)))
    assert decide(None, ForkProject("Copy", "p", 1, large, lambda _: "", Budget(timeline_values=10_040)))


def test_captions_count() -> None:
    said = [{"start": n, "end": n + 1, "text": "Hello"} for n in range(30)]
    ops = [{"op": "captions.add", "track": "en", "captions": said}]
    sequence = edited(begun(), ops, Known({}))
    assert sequence.size == size(sequence.tracks) == 1004 + 60


async def test_what_takes_long_leaves_the_loop_free() -> None:
    here = threading.get_ident()
    assert await apart(10, threading.get_ident) == here
    assert await apart(10**6, threading.get_ident) != here


@pytest.fixture
async def small(settings_for: SettingsFactory) -> AsyncIterator[Client]:
    """An editor of a tenant whose timelines may have 5,000 values."""
    budgets = {"*": Budgets(timeline_values=5000, batch_ops=50), "large": Budgets()}
    settings = settings_for("ops").model_copy(update={"budgets": budgets})
    async with serving(settings) as server, aiohttp.ClientSession() as session:
        yield Client(session, server.url, settings_for.token("editor"))


async def test_a_refusal_names_the_budget_and_nothing_is_kept(small: Client) -> None:
    project = (await small.made("POST", "/api/projects", {"name": "Film"}))["id"]
    await small.edit(project, *FILM, animated("c0", 1000))
    answer = await small("POST", f"/api/projects/{project}/ops", {"ops": splits(45)}, key="k")
    assert (answer.status, answer.body["type"]) == (413, "/problems/budget-exceeded")
    assert {name: answer.body[name] for name in ("budget", "limit", "used", "reset")} == {
        "budget": "timelineValues", "limit": 5000, "used": 5020, "reset": None,
    }  # fmt: skip
    assert answer.body["errors"][0]["pointer"] == "/ops/3"
    assert (await small.made("GET", f"/api/projects/{project}"))["currentVersion"] == 1
    assert (await small("POST", f"/api/projects/{project}/ops", {"ops": splits(3)}, key="k")).status == 201
    copy = await small("POST", f"/api/projects/{project}/fork", {"name": "Copy"})
    assert copy.status == 201, "it is within the budget"


REBASE = {"onConflict": "rebase"}
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nOne\n\n2\n00:00:02,000 --> 00:00:03,000\nTwo\n"


@pytest.mark.parametrize("budget", ["timelineValues", *later("another budget of the same check", "logBytes")])
async def test_every_way_in_is_bounded(settings_for: SettingsFactory, budget: str) -> None:
    plain = settings_for("ops")
    less = {"*": Budgets(timeline_values=3) if budget == "timelineValues" else Budgets(log_bytes=1)}
    async with aiohttp.ClientSession() as session:
        async with serving(plain) as server:
            user = Client(session, server.url, settings_for.token("editor"))
            film, empty = [(await user.made("POST", "/api/projects", {"name": name}))["id"] for name in "ab"]
            await user.edit(film, *FILM)
            await user.edit(film, {"op": "clip.remove", "clip": "c0"})
            file = await user("GET", f"/api/projects/{film}/timeline?version=1&format=otio")
            otio = msgspec.json.encode(file.body)
        async with serving(plain.model_copy(update={"budgets": less})) as server:
            user = Client(session, server.url, settings_for.token("editor"))
            path = f"/api/projects/{film}"
            clip = FILM[1] | {"clip": "c1"}
            ways = {
                "edit": await user("POST", f"{path}/ops", {"ops": [clip]}),
                "dry run": await user("POST", f"{path}/ops", {"ops": [clip], "dryRun": True}),
                "rebase": await user(
                    "POST", f"{path}/ops", {"ops": [clip], "expectedVersion": 1, "onConflict": "rebase"}
                ),
                "revert": await user("POST", f"{path}/revert", {"toVersion": 1}),
                "reverting op": await user("POST", f"{path}/ops", {"ops": [{"op": "history.revert", "toVersion": 1}]}),
                "undo": await user("POST", f"{path}/undo", {"version": 2}),
                "import": await user("POST", f"/api/projects/{empty}/timeline?format=otio", raw=otio),
                "captions": await user("POST", f"/api/projects/{empty}/timeline?format=srt&track=s", raw=SRT),
            }
            if budget == "timelineValues":
                ways["draft"] = await user("POST", f"{path}/drafts", {"ops": [clip]})
                ways["fork"] = await user("POST", f"{path}/fork", {"name": "c", "version": 1})
            told = {way: (answer.status, answer.body.get("budget")) for way, answer in ways.items()}
            assert told == dict.fromkeys(ways, (413, budget))
            assert (await user("DELETE", path)).status == 204, "what makes no version is always possible"
            versions = [(await user.made("GET", f"/api/projects/{empty}"))["currentVersion"]]
    assert versions == [0]


@pytest.mark.slow(reason="starts ops, NATS and a database for one more budget")
async def test_a_batch_has_as_many_ops_as_its_tenant_may_send(small: Client) -> None:
    project = (await small.made("POST", "/api/projects", {"name": "Film"}))["id"]
    await small.edit(project, *FILM)
    marks = [{"op": "marker.add", "marker": f"m{n}", "at": n, "label": "x", "color": "#ffffff"} for n in range(51)]
    refused = await small("POST", f"/api/projects/{project}/ops", {"ops": marks})
    assert (refused.status, refused.body["budget"], refused.body["limit"]) == (413, "batchOps", 50)
    assert (refused.body["used"], refused.body["errors"][0]["pointer"]) == (51, "/ops")
    assert (await small("POST", f"/api/projects/{project}/ops", {"ops": marks[:50]})).status == 201


@pytest.mark.slow(reason="starts ops, NATS and a database for one more budget")
async def test_the_log_of_a_project_grows_to_its_budget_and_no_further(settings_for: SettingsFactory) -> None:
    settings = settings_for("ops").model_copy(update={"budgets": {"*": Budgets(log_bytes=6000)}})
    async with serving(settings) as server, aiohttp.ClientSession() as session:
        user = Client(session, server.url, settings_for.token("editor"))
        project, other = [(await user.made("POST", "/api/projects", {"name": name}))["id"] for name in "ab"]

        async def edited() -> int:
            names = {"op": "project.configure", "name": "".join(random.choices(ascii_letters, k=100))}
            answer = await user("POST", f"/api/projects/{project}/ops", {"ops": [names], "message": names["name"]})
            if answer.status == 413:
                assert answer.body["budget"] == "logBytes" and answer.body["used"] > 6000
            return answer.status

        statuses = [await edited() for _ in range(30)]
        assert statuses == sorted(statuses) and {201, 413} == set(statuses)
        uses = (await user.made("GET", "/api/usage"))["budgets"]
        [log] = [use for use in uses if use["budget"] == "logBytes"]
        assert 3000 < log["now"] <= 6000, "what is counted is what is stored"
        assert [each["projectId"] for each in log["projects"]] == [project, other]
        await user.edit(other, *FILM)

"""Lists come in pages, queries are checked like bodies."""

from __future__ import annotations

import aiohttp
import pytest

from cutlog.web import Problem, decode_cursor, encode_cursor
from tests.web.exchanges import problem
from tests.web.sample import Sample, bearer


async def test_cursors_lead_through_the_whole_list_once(client: aiohttp.ClientSession) -> None:
    numbers: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "50"} | ({"cursor": cursor} if cursor else {})
        async with client.get("/api/items", params=query, headers=bearer()) as response:
            page = await response.json()
        numbers += [item["number"] for item in page["items"]]
        cursor = page["next"]
    assert numbers == list(range(120))


async def test_a_list_has_fifty_items_by_default(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/items", headers=bearer()) as response:
        assert len((await response.json())["items"]) == 50


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("limit=0", ["?limit"]),
        ("limit=201", ["?limit"]),
        ("limit=many", ["?limit"]),
        ("limit=1&limit=2", ["?limit"]),
        ("limit=", ["?limit"]),
        ("limti=5", ["?limti"]),
        ("limit=x&above=y", ["?limit", "?above"]),
        ("cursor=nonsense", ["?cursor"]),
        ("cursor=InRleHQi", ["?cursor"]),
        ("cursor=%00", ["?cursor"]),
        ("kind=a&kind=%00", ["?kind"]),
        ("access_token=x", ["?access_token"]),
        ("above=99999999999999999999", ["?above"]),
    ],
)
async def test_a_wrong_query_is_a_422_that_names_the_parameter(
    client: aiohttp.ClientSession, query: str, pointers: list[str]
) -> None:
    async with client.get(f"/api/items?{query}", headers=bearer()) as response:
        found = await problem(response)
    assert (response.status, [error["pointer"] for error in found["errors"]]) == (422, pointers)


async def test_only_lists_may_be_repeated_in_a_query(client: aiohttp.ClientSession, sample: Sample) -> None:
    async with client.get("/api/items?kind=a&kind=b&above=5", headers=bearer()) as response:
        assert response.status == 200
    assert (sample.seen[0].query.kind, sample.seen[0].query.above) == (["a", "b"], 5)


async def test_a_route_without_a_query_takes_none(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/items/i_1/versions/1?x=1", headers=bearer()) as response:
        assert [error["pointer"] for error in (await problem(response))["errors"]] == ["?x"]


def test_cursors_hide_any_place_and_give_it_back() -> None:
    place = ("2026-01-02T03:04:05Z", 7, "é")
    cursor = encode_cursor(place)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert decode_cursor(cursor, tuple[str, int, str]) == place


@pytest.mark.parametrize("cursor", ["", "e30", "é", "a", "====", encode_cursor(["x"]), encode_cursor(None)])
def test_another_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as caught:
        decode_cursor(cursor, tuple[str, int])
    assert (caught.value.status, caught.value.errors[0].pointer) == (422, "?cursor")

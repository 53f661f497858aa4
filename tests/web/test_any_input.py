"""Whatever comes in, the answer is never the server's fault."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.web import Problem, serve_http
from cutlog.web.decode import decode_json
from tests.support.chance import examples
from tests.support.gates import make_gate
from tests.support.waiting import PATIENCE
from tests.web.sample import Address, Edit, Sample, bearer, sample_api

FUZZ = settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ops", "op", "at", "out", "clip", "labels", "message"]) | st.text(), inner, max_size=3
        )
    ),
    max_leaves=20,
)
op_shaped = st.fixed_dictionaries(
    {"op": st.sampled_from(["clip.trim", "marker.add", "nope"]) | json_values},
    optional={"clip": json_values, "out": json_values, "at": json_values, "color": json_values, "x": json_values},
)
edit_shaped = st.fixed_dictionaries(
    {"ops": st.lists(op_shaped, max_size=3) | json_values}, optional={"labels": json_values, "message": st.text()}
)


def encoded(value: Any) -> bytes:
    import json

    return json.dumps(value, ensure_ascii=True).encode()


bodies = st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | (json_values | edit_shaped).map(encoded)


class Talk:
    """A server in an event loop of its own, asked from plain functions."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.runner.run(self.start())

    async def start(self) -> None:
        self.serving = serve_http(sample_api(Sample()), Address(), make_gate())
        self.server = await self.serving.__aenter__()
        self.client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
        async def go() -> int:
            from yarl import URL

            url = URL(self.server.url + path, encoded=True)
            async with self.client.request(method, url, data=body, headers=headers) as response:
                content = await response.read()
                if response.status >= 400 and method != "HEAD":
                    assert response.content_type == "application/problem+json"
                    assert msgspec.json.decode(content)["status"] == response.status
                return response.status

        return self.runner.run(go())

    def stop(self) -> None:
        async def end() -> None:
            await self.client.close()
            await self.serving.__aexit__(None, None, None)

        self.runner.run(end())
        self.runner.close()


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    talk = Talk()
    yield talk
    talk.stop()


@FUZZ
@given(body=bodies)
def test_any_body_is_taken_or_refused_with_a_reason(talk: Talk, body: bytes) -> None:
    headers = bearer() | {"Content-Type": "application/json"}
    assert talk.ask("POST", "/api/projects/p_1/ops", body, headers) in (201, 400, 422)


@FUZZ
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"]),
    path=st.lists(
        st.sampled_from(
            [
                "api",
                "items",
                "projects",
                "ops",
                "versions",
                "files",
                "internal",
                "p_1",
                "1",
                "..",
                "%00",
                "%ff",
                "%ED%A0%80",
            ]
        )
        | st.text(string.ascii_letters + string.digits + "%-_.~", max_size=6),
        max_size=6,
    ),
    query=st.text(string.ascii_letters + string.digits + "%&=+-_[]", max_size=40),
)
def test_any_path_and_query_are_answered(talk: Talk, method: str, path: list[str], query: str) -> None:
    assert talk.ask(method, "/" + "/".join(path) + ("?" + query if query else ""), headers=bearer()) < 500


@FUZZ
@given(
    name=st.sampled_from(
        [
            *(
                "Authorization",
                "Content-Type",
                "Content-Encoding",
                "Accept",
                "Accept-Encoding",
                "Range",
                "If-None-Match",
            ),
            *("Idempotency-Key", "Last-Event-ID", "traceparent", "X-Request-Id", "X-Forwarded-For", "Cookie", "Origin"),
        ]
    ),
    value=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60),
)
def test_any_header_is_answered(talk: Talk, name: str, value: str) -> None:
    headers = bearer() | {"Content-Type": "application/json"} | {name: value}
    assert talk.ask("POST", "/api/projects/p_1/ops", b'{"ops": [{"op": "marker.add", "at": 1}]}', headers) < 500
    assert talk.ask("GET", "/api/items", headers=bearer() | {name: value}) < 500


@settings(max_examples=examples(500))
@given(value=edit_shaped)
def test_pointers_lead_to_something_or_to_a_missing_key(value: Any) -> None:
    try:
        decode_json(encoded(value), Edit)
    except Problem as problem:
        for error in problem.errors:
            if not error.pointer:
                continue
            *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in error.pointer.split("/")[1:]]
            place = value
            for part in parents:
                place = place[int(part)] if isinstance(place, list) else place[part]
            if isinstance(place, list):
                assert int(last) < len(place)
            else:
                assert isinstance(place, dict)
                assert last in place or "required" in error.detail or "\ufffd" in last

"""Whoever asks decodes the very type that the route answers with, so that no field can be missing on one side."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any, Final
from unittest.mock import MagicMock

import pytest

from cutlog.client import Client
from cutlog.operate.backfill.services import Services
from cutlog.web import Api
from cutlog.web.api import Route
from tests.laws.modules import ROOT

#: They make a client, or follow a stream, which `test_client.py` does.
OTHERS: Final = {"connect", "of", "events"}
VALUES: Final = {"str": "x", "int": 1, "bool": True}


class Asked(Exception):
    """A request, before it is sent: the type that its answer is decoded to, method, path."""


class Unsent:
    """In place of the transport, which is what a client calls last."""

    async def ask(self, answer: Any, method: str, path: str, **_: Any) -> Any:
        raise Asked(answer, method, path)


def routes() -> list[Route]:
    """Of all services. What they depend on is used when a request comes, and none does."""
    api = Api("all", title="All")
    for path in sorted((ROOT / "services").rglob("*.py")):
        for name in re.findall(r"^def (routes|make_api)\(", path.read_text(encoding="utf-8"), re.M):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            add = getattr(importlib.import_module(module), name)
            parts: dict[str, Any] = {
                part: MagicMock(**{"links.public_url": "http://host"}) for part in inspect.signature(add).parameters
            }
            if name == "routes":
                add(**parts | {"api": api})
            else:
                api.routes.extend(add(**parts).routes)
    return api.routes


async def asked(made: object, name: str) -> tuple[Any, str, str]:
    """What a method asks first, when it is given anything."""
    method = getattr(made, name)
    given: dict[str, Any] = {
        part.name: VALUES.get(str(part.annotation), MagicMock())
        for part in inspect.signature(method).parameters.values()
        if part.default is part.empty
    }
    coming = method(**given)
    with pytest.raises(Asked) as found:
        await (anext(coming) if inspect.isasyncgen(coming) else coming)
    answer, verb, path = found.value.args
    return answer, verb, path


def route_of(answering: list[Route], verb: str, path: str) -> Route:
    """The one that says most of the path."""
    fitting = [
        route
        for route in answering
        if route.method == verb and re.fullmatch(re.sub(r"{\w+}", "[^/]+", route.template), path)
    ]
    return min(fitting, key=lambda route: route.template.count("{"))


UNSENT: Final[Any] = Unsent()


@pytest.mark.parametrize("client", [Client(UNSENT), Services(UNSENT, UNSENT, MagicMock(), MagicMock())])
async def test_an_answer_is_decoded_as_the_type_that_the_route_gives(client: object) -> None:
    answering = routes()
    methods = [name for name, _ in inspect.getmembers(client, inspect.ismethod) if not name.startswith("_")]
    assert len(methods) > 5
    for name in set(methods) - OTHERS:
        answer, verb, path = await asked(client, name)
        given = route_of(answering, verb, path).returns
        assert (None if answer is type(None) else answer) in given.values(), f"{name}: {answer}, {verb} {path}: {given}"

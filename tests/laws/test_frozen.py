"""What the code that decides works on is never changed: its structs are frozen."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import msgspec
import pytest

PURE = (
    "cutlog.contract", "services.gc.rules", "services.media.facts", "services.ops.decide", "services.ops.edits",
    "services.ops.timeline", "services.render.audio", "services.render.compile", "services.render.plan",
)  # fmt: skip


def modules(package: str) -> Iterator[ModuleType]:
    found = importlib.import_module(package)
    for info in pkgutil.iter_modules(found.__path__, f"{package}."):
        yield importlib.import_module(info.name)


@pytest.mark.parametrize("package", PURE)
def test_structs_are_frozen(package: str) -> None:
    kinds = {
        kind
        for module in modules(package)
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    }
    assert [kind for kind in kinds if not kind.__struct_config__.frozen] == []

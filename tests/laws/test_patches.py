"""What a test must have otherwise is an argument: a module that a test patches is patched for all that use it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.laws.modules import ROOT, dotted, modules, modules_of_tests, nodes

#: Functions that are counted, or fail as the database would, between others that stay. No constants.
ALLOWED: Final = {
    "tests/ffmpeg/test_probing.py: cutlog.ffmpeg.process.run",
    "tests/media/test_full_disks.py: services.media.ingest.writing.memoryview",
    "tests/ops/test_round_trips.py: services.ops.bootstrap.Relay",
    "tests/ops/test_round_trips.py: services.ops.bootstrap.create_engine",
    "tests/render/test_survival.py: services.render.queue.jobs.alive",
    "tests/render/test_survival.py: services.render.queue.jobs.claim",
}


def test_no_test_patches_a_module() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {patched}"
        for path, tree in modules_of_tests().items()
        for patched in _patched(tree)
    }
    assert found == ALLOWED


def _patched(tree: ast.Module) -> Iterator[str]:
    """Names in modules of the product that are given another value."""
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in nodes(tree):
        match node:
            case ast.Call(func=func, args=[ast.Constant(value=str() as where), *_]) if _patches(func):
                if where.startswith(("cutlog.", "services.")):
                    yield where
            case ast.Call(func=func, args=[ast.Name(id=name), ast.Constant(value=str() as what), *_]) if _patches(func):
                if imported.get(name) in modules():
                    yield f"{imported[name]}.{what}"
            case _:
                pass


def _patches(func: ast.expr) -> bool:
    return dotted(func).endswith(("setattr", "patch", "patch.object"))

"""What a process carries while nothing happens: packages that it does not need are not loaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.stacks import CHECKOUT

LOADED = (
    "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules if sys.modules[name]})))"
)


def loaded_by(statements: str) -> set[str]:
    """The packages that a fresh interpreter has loaded after these statements."""
    done = subprocess.run([sys.executable, "-c", f"{statements}\n{LOADED}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_the_supervisor_loads_neither_frameworks_nor_migrations() -> None:
    found = loaded_by("import cutlog.operate.cli.up, cutlog.operate.stack.supervisor, cutlog.auth.tokens")
    assert not found & {"aiohttp", "alembic", "cryptography", "nats", "numpy", "pydantic", "rich", "sqlalchemy"}


@pytest.mark.few(1, reason="loads one more service")
@pytest.mark.parametrize("service", ["ops", "media", "render", "gc"])
def test_a_service_loads_nothing_for_consoles_or_for_signatures_that_it_refuses(service: str) -> None:
    imports = "from cutlog.process.importing import without\nfrom cutlog.hosting.service import load"
    found = loaded_by(f"{imports}\nwith without('rich'):\n    load({service!r})")
    assert "sqlalchemy" in found
    assert not found & {"alembic", "cryptography", "rich"}
    assert ("numpy" in found) == (service == "render")


def test_the_fonts_that_come_along_take_at_most_40_mb() -> None:
    fonts = [*(CHECKOUT / "services/render/produce/fonts").rglob("*.ttf")]
    assert len(fonts) > 100
    assert sum(font.stat().st_size for font in fonts) <= 40_000_000


def test_what_was_left_out_can_be_loaded_afterwards() -> None:
    assert "rich" in loaded_by("import cutlog.operate.cli.serve; import rich")

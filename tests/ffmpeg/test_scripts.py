"""Scripts of ours start in every sandbox that works here, not only in the one that is chosen last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cutlog.ffmpeg.limits import Limits
from cutlog.ffmpeg.sandbox import Jail, candidates
from cutlog.ffmpeg.scripts import ScriptRunner
from services.ops.interchange import captions, converter
from services.render.produce import lettering

SCRIPTS = {
    "titles": (lettering._SCRIPT, ("typst",)),
    "timelines": (converter._SCRIPT, converter._PACKAGES),
    "captions": (captions._SCRIPT, captions._PACKAGES),
}


@pytest.mark.few(2, reason="one more process in the sandbox")
@pytest.mark.parametrize("jail", candidates("auto"), ids=lambda jail: jail.name)
@pytest.mark.parametrize(("script", "packages"), SCRIPTS.values(), ids=SCRIPTS)
async def test_a_script_finds_what_it_loads(script: Path, packages: Sequence[str], jail: Jail) -> None:
    assert await ScriptRunner(script, packages, "auto", [jail]).run(["--check"], (), Limits(seconds=180), 1 << 10)

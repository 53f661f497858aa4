"""Fonts are read in every sandbox that works here, within its limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutlog.ffmpeg import MediaRefusedError, is_font
from cutlog.ffmpeg.sandbox import Jail, candidates
from cutlog.ffmpeg.typefaces import rewrite_font
from tests.support import typefaces
from tests.support.typefaces import VARIABLE

JAILS = pytest.mark.parametrize("jail", candidates("auto"), ids=lambda jail: jail.name)


@JAILS
async def test_a_font_is_read_and_rewritten(jail: Jail, tmp_path: Path) -> None:
    found = await rewrite_font(jail, VARIABLE, tmp_path, "out.otf", "cutlog-a")
    assert (found.format, [face.family for face in found.faces]) == ("woff2", ["Inter"])
    assert is_font(tmp_path / "out.otf")


@pytest.mark.slow(reason="one more process in the sandbox")
@JAILS
async def test_a_bomb_is_refused(jail: Jail, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.woff2"
    bomb.write_bytes(typefaces.bomb(160 << 20))
    with pytest.raises(MediaRefusedError, match="128 MiB"):
        await rewrite_font(jail, bomb, tmp_path, "out.otf", "cutlog-a")


def test_only_what_begins_as_a_font_is_taken_for_one(tmp_path: Path) -> None:
    for data, wanted in ((b"OTTO", True), (b"wOF2...", True), (b"\0\0\1\0", False), (b"", False), (b"OTT", False)):
        (tmp_path / "file").write_bytes(data)
        assert is_font(tmp_path / "file") == wanted

"""A film shows the colours of its sources, however these code them, and an export those of its proxy."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.render.studio import Studio
from tests.render.timelines import lane, shot, timeline
from tests.support.colors import GREEN, green, shown, white_of_hdr

HD, SD = (1280, 720), (640, 480)
MORE = pytest.mark.slow(reason="other pairs of size and matrix, by the same rule")


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@pytest.mark.parametrize(
    ("size", "matrix", "told", "full"),
    [
        pytest.param(HD, "bt709", True, False, id="BT.709"),
        pytest.param(SD, "smpte170m", False, False, id="BT.601 that does not say so"),
        pytest.param(HD, "bt709", True, True, id="full range"),
        pytest.param(HD, "bt709", False, False, id="BT.709 that does not say so", marks=MORE),
        pytest.param(HD, "smpte170m", True, False, id="large BT.601", marks=MORE),
        pytest.param(SD, "smpte170m", True, False, id="BT.601", marks=MORE),
        pytest.param(SD, "bt709", True, False, id="small BT.709", marks=MORE),
    ],
)
async def test_colours_stay_however_they_are_coded(
    studio: Studio, tmp_path: Path, size: tuple[int, int], matrix: str, told: bool, full: bool
) -> None:
    file = await asyncio.to_thread(green, tmp_path / "green.mp4", size, matrix, told=told, full=full)
    media = await studio.ingest("a", file)
    for canvas in (HD, (320, 180)):
        film = timeline(lane(shot(0, 0, 10, "a")), library=[media], size=canvas)
        for output in (await studio.proxy(film), await studio.export(film)):
            assert shown(studio.path(output)) == pytest.approx(GREEN, abs=6), output.key


@pytest.mark.slow(reason="renders one more example of its kind")
@pytest.mark.parametrize("curve", ["smpte2084", "arib-std-b67"])
async def test_an_export_maps_high_dynamic_range_as_its_proxy_does(studio: Studio, tmp_path: Path, curve: str) -> None:
    media = await studio.ingest("a", await asyncio.to_thread(white_of_hdr, tmp_path / "white.mp4", curve))
    film = timeline(lane(shot(0, 0, 10, "a")), library=[media], size=(320, 180))
    proxy, export = shown(studio.path(await studio.proxy(film))), shown(studio.path(await studio.export(film)))
    assert export == pytest.approx(proxy, abs=3)
    assert all(0.8 < value / 255 < 0.9 for value in export), "reference white, not the grey of its code"

"""A proxy that was folded into its recipe is a plain file again when somebody asks for it, or pins its version."""

from __future__ import annotations

import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import imageio_ffmpeg
import pytest

from cutlog.bus import Bus
from cutlog.contract.commands import Command, DeleteProxy
from tests.render.house import TRACE, House
from tests.render.studio import Studio
from tests.render.timelines import sequence, timeline
from tests.support.painting import Painter, read_marks
from tests.support.waiting import eventually


async def fold(house: House, gc: Bus, version: int, path: Path) -> None:
    """What gc does with a superseded proxy that nobody uses."""
    await house.rows("UPDATE ops.proxy_use SET until = '-infinity'")
    key = f"proxy/p_1/v{version}_proxy.mp4"
    state = f"{path.stat().st_mtime_ns}"
    body = DeleteProxy(project_id="p_1", version=version, key=key, folded=state, at=datetime.now(UTC))
    command = Command(key=f"fold {version} {state}", tenant="default", actor="gc", trace=TRACE, body=body)
    reply = await gc.command("gc", command)
    assert reply.accepted is not None, reply
    path.unlink()
    await eventually(lambda: folded(house, version))


async def folded(house: House, version: int) -> bool:
    rows = await house.rows("SELECT reason FROM render.job WHERE job_id = $1", f"proxy.p_1.{version}")
    return bool(rows[0]["reason"] == "folded")


async def superseded(house: House, version: int) -> bool:
    return bool((await house.version("p_1", version))["proxy"]["status"] == "superseded")


@pytest.mark.slow(reason="a service that renders four proxies")
async def test_a_folded_proxy_is_joined_again_when_asked_for_and_when_pinned(house: House, painted: Painter) -> None:
    settings = house.settings("gc")
    async with (
        house.render(),
        await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="gc") as gc,
    ):
        await house.upload(painted)
        await house.project()
        first = await house.shot("p_1", "v_1", 0, 10, 100)
        path = await house.proxy("p_1", first)
        second = await house.shot("p_1", "v_1", 90, 30, 60)
        await house.proxy("p_1", second)
        data, shown = path.read_bytes(), read_marks(path)
        await fold(house, gc, first, path)
        await eventually(lambda: superseded(house, first))

        answer = await house.call("GET", f"/api/projects/p_1/versions/{first}/proxy", expect=202)
        assert answer["status"] == "queued" and answer["url"] is None
        assert await house.proxy("p_1", first) == path
        assert path.read_bytes() == data and read_marks(path) == shown
        assert [event["encoded"] for event in await house.events("ProxyRendered")][2:] == [0], "nothing was encoded"

        await fold(house, gc, first, path)
        await house.call("POST", f"/api/projects/p_1/versions/{first}/pin", {"pinned": True})
        assert await house.proxy("p_1", first) == path
        assert path.read_bytes() == data


@pytest.mark.slow(reason="renders a film of a minute, and 100 edits of it")
async def test_100_edits_take_less_than_half_of_the_film_more(studio: Studio, tmp_path: Path) -> None:
    """All but the newest version are folded. The film and its recipes grow with its length; what an edit adds to the
    cache does not: so bytes that are counted of a minute say what an hour takes."""
    a = await studio.ingest("a", grainy(tmp_path / "clip.mp4"))

    def stored() -> Counter[str]:
        """Bytes of proxies, recipes and the cache."""
        sizes = Counter[str]()
        for path in studio.blobs.root.rglob("*.*"):
            words = path.relative_to(studio.blobs.root).parts
            sizes["recipes" if words[1] == "receipts" else words[0]] += path.stat().st_size if path.is_file() else 0
        return sizes

    async def edited(number: int) -> None:
        shots = [(20 * n + (number // 15 + 1 if n == number % 15 else 0), 100) for n in range(15)]
        of = timeline(sequence(*shots, of="a"), library=[a], size=(854, 480), version=number)
        newest = studio.path(await studio.proxy(of))
        for path in newest.parent.iterdir():
            if path != newest:
                path.unlink()

    def hour(of: Counter[str]) -> int:
        return 60 * (of["proxy"] + of["recipes"]) + of["segments"]

    await edited(1)
    one = stored()
    for number in range(2, 102):
        await edited(number)
    many = stored()
    assert hour(many) < 1.5 * hour(one)


def grainy(path: Path) -> Path:
    """Twenty seconds that take as many bytes as a real film does."""
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error",
         "-f", "lavfi", "-i", "testsrc2=size=854x480:rate=25:duration=20,noise=alls=9:allf=t",
         "-f", "lavfi", "-i", "sine=frequency=330:beep_factor=4:sample_rate=48000:duration=20",
         "-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)],
        check=True,
    )  # fmt: skip
    return path

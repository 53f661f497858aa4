"""How long links to proxies and exports work."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cutlog.contract.commands import ReportExport
from cutlog.hosting.settings import Settings
from tests.ops.conftest import Ask, Client
from tests.ops.renders import file, proxy_made
from tests.support.configuration import SettingsFactory

PUBLIC = "https://cut.example.com"
CLIP = {"op": "clip.add", "track": "v", "at": 0, "color": "#ff0000"}


@pytest.fixture
def settings(settings_for: SettingsFactory) -> Settings:
    return settings_for("ops").model_copy(update={"public_url": f"{PUBLIC}/"})


@pytest.fixture
async def film(editor: Client) -> Client:
    """A client of project p1: version 1 lasts an hour at 25 frames a second, 3 half of one at 50, 4 for days."""
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1", "canvas": {"fps": [25, 1]}})
    await editor.edit("p1", {"op": "track.add", "track": "v", "kind": "video"}, {**CLIP, "clip": "a", "frames": 90_000})
    await editor.edit("p1", {"op": "clip.remove", "clip": "a"}, {"op": "project.configure", "fps": [50, 1]})
    await editor.edit("p1", {**CLIP, "clip": "b", "frames": 90_000})
    await editor.edit("p1", {**CLIP, "clip": "c", "at": 90_000, "frames": 9_000_000})
    return editor


def _left(url: str, since: float) -> tuple[int, int]:
    """How long a link that was made at `since` or later works, in seconds: at least, and at most."""
    expires = int(parse_qs(urlsplit(url).query)["expires"][0])
    return expires - int(time.time()) - 1, expires - int(since)


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(("version", "seconds"), [(1, 3600 + 600), (3, 1800 + 600), (4, 6 * 3600)])
async def test_a_link_to_a_proxy_works_while_it_plays_and_ten_minutes_more_at_most_six_hours(
    film: Client, ask: Ask, version: int, seconds: int
) -> None:
    assert (await proxy_made(ask, version)).accepted
    since = time.time()
    shown = (await film.made("GET", f"/api/projects/p1/versions/{version}"))["proxy"]["url"]
    led = (await film("GET", f"/api/projects/p1/versions/{version}/proxy")).headers["Location"]
    told = await film("GET", f"/api/projects/p1/versions/{version}/proxy", accept="application/json, */*")
    assert told.status == 200
    assert (told.headers["Vary"], told.headers["Cache-Control"]) == ("Accept", "no-store")
    ends = datetime.fromisoformat(told.body["expiresAt"]).timestamp()
    assert abs(ends - int(parse_qs(urlsplit(told.body["url"]).query)["expires"][0])) <= 1
    assert told.body["url"].startswith(f"{PUBLIC}/files/proxy/p1/") and shown.startswith(f"{PUBLIC}/files/proxy/p1/")
    for url in (shown, led, told.body["url"]):
        least, most = _left(url, since)
        assert least <= seconds <= most


async def test_a_link_to_an_export_works_for_ten_minutes(film: Client, ask: Ask) -> None:
    export: Any = await film.made("POST", "/api/projects/p1/export", {"version": 1})
    made = file("export/p1/v1_final.mp4")
    report = ReportExport(project_id="p1", export_id=export["id"], version=1, profile="mp4", output=made)
    assert (await ask("render", report, "x")).accepted
    since = time.time()
    url = (await film.made("GET", f"/api/projects/p1/exports/{export['id']}"))["url"]
    least, most = _left(url, since)
    assert least <= 600 <= most

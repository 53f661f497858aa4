"""Videos that were examined before timing was noted keep their facts, and are rendered from them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from cutlog.contract.media import MediaFacts
from tests.corpus.bench import Bench
from tests.corpus.records import ClipOf, Project
from tests.support.painting import Painter, pictures, read_frame_number

SAMPLE = Path(__file__).parents[2] / "proto/samples/MediaReady.v1.json"


def test_facts_of_before_are_read_and_written_back_without_what_they_lack() -> None:
    kept = msgspec.json.decode(SAMPLE.read_bytes())["facts"]
    facts = msgspec.convert(kept, MediaFacts)
    assert (facts.timing, facts.interlaced) == (UNSET, UNSET)
    assert msgspec.json.decode(msgspec.json.encode(facts)) == kept


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@pytest.mark.parametrize("fps", [(25, 1), (30, 1)], ids=["same-rate", "conformed"])
async def test_a_video_with_facts_of_before_is_rendered(bench: Bench, painted: Painter, fps: tuple[int, int]) -> None:
    media = await bench.ingest(painted(fps=25, frames=80, size=(320, 180), tag=5))
    kept = msgspec.to_builtins(media.facts)
    del kept["timing"]
    media = msgspec.structs.replace(media, facts=msgspec.convert(kept, MediaFacts))
    clip = ClipOf(start=40, end=60)
    film = bench.film(media, Project(fps=fps), clip)
    wanted = [k * 25 * fps[1] // fps[0] for k in range(clip.start, clip.end)]
    for made in (await bench.proxy(film), await bench.export(film)):
        assert [read_frame_number(image) for image in pictures(made)] == wanted
    assert [read_frame_number(await bench.still(film, frame)) for frame in (0, 19)] == [wanted[0], wanted[19]]

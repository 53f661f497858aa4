"""What is transparent in a source shows what lies below it, in exports, proxies and single frames."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from msgspec import UNSET
from PIL import Image as Pillow

from cutlog.contract.profiles import proxy_size
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.timeline import Clip, Crop, Effect, FreezeSource, MediaRef, Speed, Timeline, Transition
from services.render.plan.profiles import PROXY
from services.render.plan.segments import plan
from services.render.produce.still import Stills
from tests.render.screening import at, near, screened
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, solid, timeline
from tests.support import cutouts
from tests.support.cutouts import BAND, BAR, BLUE, HALF, RED, SIZE, bar_at, over
from tests.support.lanes import later
from tests.support.painting import Image, pictures

slow = pytest.mark.slow(reason="renders one more example of its kind")

edit = msgspec.structs.replace
GREEN = (0, 200, 0)
HEX = "#00c800"
CLOSE = 12
COMMON = ("vp9.webm", "prores.mov", "qtrle.mov")
RARE = [name for name in cutouts.FILMS if name not in COMMON]


def above(media: MediaRef, frames: int, **look: Any) -> Timeline:
    """A clip over a green one."""
    clip = edit(shot(0, 0, frames, media.id), **look)
    return timeline(lane(solid(0, frames, HEX)), lane(clip, number=1), library=[media], size=SIZE, fps=cutouts.FPS)


async def both(studio: Studio, film: Timeline) -> list[list[Image]]:
    """Every frame of its export and of its proxy."""
    outputs = await studio.export(film), await studio.proxy(film)
    shown = [list(pictures(studio.path(output))) for output in outputs]
    assert [len(images) for images in shown] == [film.duration, film.duration]
    return shown


async def still(studio: Studio, film: Timeline, frame: int) -> Image:
    made = await Stills(studio.maker, studio.blobs, slots=1).still(film, frame, None, "png")
    return np.asarray(Pillow.open(io.BytesIO(made.data)))


def check(images: Sequence[Image], first: int = 0, band: bool = True) -> None:
    """Each shows its own frame of the painted film over green."""
    for number, image in enumerate(images, first):
        width, bar = SIZE[0], bar_at(number)
        beside = (bar - 5) / width if bar + BAR + 5 > BAND else (bar + BAR + 5) / width
        assert near(at(image, (bar + BAR / 2) / width, 0.5), RED, CLOSE), (number, "the bar")
        assert near(at(image, beside, 0.5), GREEN, CLOSE), (number, "beside it", at(image, beside, 0.5))
        if band:
            assert near(at(image, 0.95, 0.5), over(BLUE, GREEN, HALF), CLOSE), (number, "the band")


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize(
    "name", [*COMMON, "animation.gif", *later("more codecs, by the same rule", *RARE, "animation.webp")]
)
async def test_a_film_shows_what_lies_below_it_in_export_and_frames(studio: Studio, tmp_path: Path, name: str) -> None:
    media = await studio.ingest("m", cutouts.made(tmp_path / name))
    assert media.facts.alpha is True
    assert media.facts.matte is UNSET
    film = above(media, 8)
    band = name != "animation.gif"
    for images in await both(studio, film):
        check(images, band=band)
    check([await still(studio, film, 5)], 5, band)


OTHERS: Final[dict[str, Callable[[Path], Path]]] = {
    "straight.png": lambda path: cutouts.still(path, "PNG"),
    "straight.webp": lambda path: cutouts.still(path, "WEBP", lossless=True, exact=True),
    "straight.tif": lambda path: cutouts.still(path, "TIFF"),
    "associated.tif": cutouts.associated_tiff,
    "matte-black.mov": lambda path: matted(path, "black", 0x102),
    "matte-white.mov": lambda path: matted(path, "white", 0x101),
    "prores-black.mov": lambda path: matted(path, "black", 0x102, "prores.mov"),
}


def matted(path: Path, matte: str, mode: int, like: str = "qtrle.mov") -> Path:
    images = [cutouts.multiplied(cutouts.painted(frame), matte) for frame in range(cutouts.FRAMES)]
    return cutouts.marked(cutouts.film(path, cutouts.FILMS[like], images), mode)


@slow
@pytest.mark.parametrize("name", OTHERS)
async def test_straight_and_multiplied_colours_are_told_apart(studio: Studio, tmp_path: Path, name: str) -> None:
    media = await studio.ingest("m", OTHERS[name](tmp_path / name))
    matte = name.partition("-")[2].partition(".")[0] or ("black" if name == "associated.tif" else UNSET)
    assert (media.facts.alpha, media.facts.matte) == (True, matte)
    film = above(media, 1)
    for images in await both(studio, film):
        check(images)
    check([await still(studio, film, 0)])


@slow
async def test_a_channel_of_alpha_that_is_opaque_everywhere_is_none(studio: Studio, tmp_path: Path) -> None:
    opaque = [image | np.array((0, 0, 0, 255), np.uint8) for image in map(cutouts.painted, range(cutouts.FRAMES))]
    for name in ("qtrle.mov", "prores.mov"):
        media = await studio.ingest("m", cutouts.film(tmp_path / name, cutouts.FILMS[name], opaque))
        assert media.facts.alpha is UNSET, name


@slow
@pytest.mark.parametrize(
    "look",
    [
        {"scale": 0.5},
        {"opacity": 0.5},
        {"x": 0.55},
        {"rotation": 180.0},
        {"flip_h": True},
        {"crop": Crop(left=0.05)},
        {"blend": "screen"},
        {"effects": (Effect(id="e", kind="invert", params={}),)},
        {"opacity": Keyframes(keyframes=(Keyframe(frame=0, value=0.0), Keyframe(frame=2, value=1.0)))},
    ],
    ids=lambda look: next(iter(look)),
)
async def test_with_any_look_what_is_clear_stays_clear(studio: Studio, tmp_path: Path, look: dict[str, Any]) -> None:
    """Compared with a still of the same frame, which has been see-through all along."""
    moving = await studio.ingest("m", cutouts.made(tmp_path / "qtrle.mov"))
    single = await studio.ingest("s", cutouts.still(tmp_path / "s.png", "PNG", frame=2))
    first, other = [await still(studio, above(media, 4, **look), 2) for media in (moving, single)]
    apart = np.abs(first.astype(int) - other.astype(int))
    assert apart.max() <= 6, (apart.max(), apart.mean())
    assert any(near(at(first, x / 40, 0.5), GREEN, 3) for x in range(40)), "green is seen somewhere"


@slow
async def test_at_another_speed_backwards_held_and_across_segments(studio: Studio, tmp_path: Path) -> None:
    media = await studio.ingest("m", cutouts.made(tmp_path / "vp9.webm"))

    def film(clip: Clip, version: int) -> Timeline:
        ground = lane(solid(0, clip.frames, HEX))
        tracks = ground, lane(clip, number=1)
        return timeline(*tracks, library=[media], size=SIZE, fps=cutouts.FPS, version=version)

    for images in await both(studio, film(edit(shot(0, 0, 12, "m"), reversed=True), 1)):
        check(images[::-1])
    slow = edit(shot(0, 0, 6, "m"), frames=12, speed=Speed(num=1, den=2, pitch="keep"))
    for images in await both(studio, film(slow, 2)):
        check(images[::2])
        check(images[1::2])
    frozen = Clip(id="f", at=0, frames=3, source=FreezeSource(media="m", frame=7))
    for images in await both(studio, film(frozen, 3)):
        for image in images:
            check([image], 7)
    check(await screened(studio, film(shot(0, 0, 12, "m"), 4), grid=1))


@slow
async def test_a_transition_from_one_to_another_shows_what_lies_below(studio: Studio, tmp_path: Path) -> None:
    media = await studio.ingest("m", cutouts.made(tmp_path / "qtrle.mov"))
    left, right = shot(0, 0, 4, "m"), shot(4, 6, 4, "m")
    top = lane(
        left,
        right,
        number=1,
        transitions=(Transition(id="t", left=left.id, right=right.id, kind="dissolve", frames=4),),
    )
    film = timeline(lane(solid(0, 8, HEX)), top, library=[media], size=SIZE, fps=cutouts.FPS)
    for images in await both(studio, film):
        check(images[:2])
        check(images[6:], 8)
        assert all(near(at(image, 0.02, 0.5), GREEN, CLOSE) for image in images), "nothing is here in either"


@slow
async def test_over_nothing_lies_the_background(studio: Studio, tmp_path: Path) -> None:
    media = await studio.ingest("m", cutouts.made(tmp_path / "qtrle.mov"))
    film = timeline(lane(shot(0, 0, 4, "m")), library=[media], size=SIZE, fps=cutouts.FPS, background=HEX)
    for images in await both(studio, film):
        check(images)
    check([await still(studio, film, 3)], 3)


@slow
async def test_pictures_of_uneven_times_keep_their_alpha_in_step(studio: Studio, tmp_path: Path) -> None:
    """The edit proxy and its alpha have pictures at the same times."""
    durations = [100, 300, 100, 200, 500]
    media = await studio.ingest("m", cutouts.gif(tmp_path / "uneven.gif", durations))
    film = above(media, 12)
    shown = [number for number, duration in enumerate(durations) for _ in range(duration // 100)]
    for images in await both(studio, film):
        for number, image in zip(shown, images, strict=True):
            check([image], number, band=False)


@slow
async def test_a_clip_with_alpha_is_never_copied_and_one_without_keeps_its_segments(
    studio: Studio, tmp_path: Path
) -> None:
    media = await studio.ingest("m", cutouts.made(tmp_path / "qtrle.mov"))
    size = proxy_size(*SIZE)
    film = timeline(lane(shot(0, 0, 10, "m")), library=[media], size=size, fps=cutouts.FPS)
    assert plan(film, PROXY, "e").copied() == {}
    facts, renditions = edit(media.facts, alpha=UNSET), edit(media.renditions, proxy_alpha=UNSET)
    as_before = edit(film, media={"m": edit(media, facts=facts, renditions=renditions)})
    assert plan(as_before, PROXY, "e").copied(), "what was examined before alpha was noted"


@slow
async def test_a_transparent_film_that_is_turned_upright(studio: Studio, tmp_path: Path) -> None:
    path = cutouts.turned(cutouts.made(tmp_path / "qtrle.mov"), tmp_path / "turned.mov")
    media = await studio.ingest("m", path)
    assert (media.facts.alpha, media.facts.rotation) == (True, 270)
    for images in await both(studio, above(media, 2)):
        assert near(at(images[1], 0.5, 0.05), over(BLUE, GREEN, HALF), CLOSE), "the band is above"
        assert near(at(images[1], 0.5, 0.95), GREEN, CLOSE)


@slow
async def test_a_heic_with_alpha_in_its_colours_is_rewritten_without(studio: Studio, tmp_path: Path) -> None:
    media = await studio.ingest("m", cutouts.multiplied_heic(tmp_path / "m.heic"))
    assert (media.facts.alpha, media.facts.matte) == (True, UNSET)
    check([await still(studio, above(media, 1), 0)])

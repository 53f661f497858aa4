"""Pictures that ffmpeg does not show as a viewer does are rewritten first: HEIC, AVIF, animations, colour profiles."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from cutlog.contract.media import display_size
from cutlog.ffmpeg import MediaRefusedError
from services.media.facts.probed import UnusableError, judge
from services.render.produce.still import Stills
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, timeline
from tests.support.lanes import later
from tests.support.photographs import (
    CLOSE,
    HEIGHT,
    WIDTH,
    Photograph,
    animation,
    bomb,
    furthest,
    heif,
    of_profile,
    quarters,
    seen,
    tiff_of_jpeg,
)

slow = pytest.mark.slow(reason="renders one more example of its kind")

FILES = [
    Photograph("plain.heic", lambda: heif(quarters()), "heif"),
    Photograph("turned-6.heic", lambda: heif(quarters(), orientation=6), "heif"),
    Photograph("plain.avif", lambda: heif(quarters(), kind="AVIF"), "avif"),
    Photograph("wide.jpg", lambda: of_profile("JPEG"), "jpeg_pipe"),
    Photograph("jpeg.tif", tiff_of_jpeg, "tiff_pipe"),
]
MORE = [
    Photograph("called.jpg", lambda: heif(quarters()), "heif"),
    Photograph("ten-bits.heic", lambda: heif(quarters(), bits=10), "heif"),
    *(Photograph(f"turned-{n}.heic", partial(heif, quarters(), orientation=n), "heif") for n in (3, 5, 8)),
    Photograph("wide.png", lambda: of_profile("PNG"), "png_pipe"),
    Photograph("wide.webp", lambda: of_profile("WEBP"), "webp_pipe"),
]


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("photo", [*FILES, *later("more of the same containers", *MORE)], ids=lambda photo: photo.name)
async def test_a_still_is_an_image_and_shows_what_a_viewer_shows(
    studio: Studio, tmp_path: Path, photo: Photograph
) -> None:
    (tmp_path / photo.name).write_bytes(photo.data)
    media = await studio.ingest("m", tmp_path / photo.name)
    assert (media.kind, media.facts.container) == ("image", photo.container)
    assert tuple(map(int, display_size(media.facts))) == (WIDTH, HEIGHT)
    film = timeline(lane(shot(0, 0, 3, "m")), library=[media], size=(WIDTH, HEIGHT))
    still = await Stills(studio.maker, studio.blobs, slots=1).still(film, 2, None, "png")
    assert furthest(seen(np.asarray(Image.open(io.BytesIO(still.data)))), photo.shown) <= CLOSE


async def test_a_picture_in_srgb_is_read_as_it_is(studio: Studio, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    quarters().save(tmp_path / "plain.jpg", icc_profile=profile)
    assert not (await studio.ffmpeg.probe(tmp_path / "plain.jpg")).foreign


@slow
async def test_an_animation_of_uneven_times_is_a_video_that_keeps_them(studio: Studio, tmp_path: Path) -> None:
    colors = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 30), (30, 200, 200)]
    (tmp_path / "a.webp").write_bytes(animation([(*color, 255) for color in colors], [100, 500, 100, 1000, 300]))
    at_once = judge(await studio.ffmpeg.probe(tmp_path / "a.webp", times=True))
    assert (at_once.kind, at_once.facts.duration) == ("video", "2")
    media = await studio.ingest("m", tmp_path / "a.webp")
    assert (media.kind, media.facts.container, media.facts.duration) == ("video", "webp_pipe", "2")
    film = timeline(lane(shot(0, 0, 50, "m")), library=[media], size=(WIDTH, HEIGHT))
    stills = Stills(studio.maker, studio.blobs, slots=2)
    for second, color in ((0.02, 0), (0.2, 1), (0.5, 1), (0.64, 2), (0.8, 3), (1.6, 3), (1.8, 4), (1.96, 4)):
        still = await stills.still(film, round(second * 25), None, "png")
        pixels = np.asarray(Image.open(io.BytesIO(still.data)))
        assert furthest(seen(pixels), (colors[color],) * 4) <= CLOSE, second


@slow
async def test_a_gain_map_is_named_and_ignored(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "phone.heic").write_bytes(heif(quarters(), bits=10, gain_map=True))
    media = await studio.ingest("m", tmp_path / "phone.heic")
    assert media.facts.gain_map is True
    with Image.open(studio.blobs.path((media.renditions.master or media).key)) as master:
        assert furthest(seen(np.asarray(master))) <= CLOSE
    written = pillow_heif.open_heif(tmp_path / "phone.heic")
    assert any("hdrgainmap" in kind for kind in written.info["aux"]), "it is one for libheif, too"


@slow
@pytest.mark.parametrize("keep", [20, 200, -300])
async def test_a_truncated_picture_is_refused_or_usable(studio: Studio, tmp_path: Path, keep: int) -> None:
    for name in ("plain.heic", "plain.avif", "wide.jpg", "jpeg.tif"):
        whole = next(photo for photo in FILES if photo.name == name).data
        (tmp_path / name).write_bytes(whole[:keep])
        with contextlib.suppress(MediaRefusedError, UnusableError):
            assert (await studio.ingest("m", tmp_path / name)).kind == "image"


async def test_a_bomb_is_refused_before_it_is_decoded(studio: Studio, tmp_path: Path) -> None:
    assert Image.open(io.BytesIO(bomb(600))).convert("L").getextrema() == (0, 0)
    (tmp_path / "bomb.tif").write_bytes(bomb())
    with pytest.raises(UnusableError, match="60000 × 60000"):
        judge(await studio.ffmpeg.probe(tmp_path / "bomb.tif", times=True))

"""Pictures of other primaries get BT.709's, as zscale converts them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import product

import imageio_ffmpeg
import numpy as np
import pytest

from cutlog.ffmpeg.colors import Filter, Gamut, coding_of, into_bt709
from cutlog.ffmpeg.probing import RawVideo

PRIMARIES = {"smpte170m": 6, "bt470bg": 5, "bt709": 1, "bt2020": 9, "smpte432": 12}
"""Of NTSC and PAL as BT.601 has them, BT.709, BT.2020 and P3, with their numbers in H.273."""
MATRICES = {"smpte170m": 6, "bt709": 1, "bt2020nc": 9}
SIDE = 24
"""Pixels of a patch: the middle of it is far from its neighbours whatever the chroma."""
LEVELS = (0, 90, 180, 255)


def video(primaries: int, matrix: int, *, curve: int = 1, pix_fmt: str = "yuv420p10le") -> RawVideo:
    return RawVideo(
        width=640, height=360, sar=(1, 1), rotation=0, average_rate=(25, 1), base_rate=(25, 1), pix_fmt=pix_fmt,
        interlaced=False, color_range=1, color_primaries=primaries, color_trc=curve, colorspace=matrix,
    )  # fmt: skip


def worded(filters: Sequence[Filter]) -> str:
    return ",".join(
        f"{name}=" + ":".join(f"{option}='{value}'" for option, value in options.items()) for name, options in filters
    )


async def filtered(patches: np.ndarray, chain: str) -> np.ndarray:
    """The colours of patches after a chain, as BT.709 of full range."""
    picture = np.repeat(np.repeat(patches.reshape(8, 8, 3), SIDE, 0), SIDE, 1).astype(np.uint8)
    size = f"{8 * SIDE}x{8 * SIDE}"
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-i", "-",
        "-vf", chain, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    made, errors = await process.communicate(picture.tobytes())
    assert process.returncode == 0, errors.decode()
    shown = np.frombuffer(made, np.uint8).reshape(8, SIDE, 8, SIDE, 3)
    return shown[:, SIDE // 2, :, SIDE // 2].reshape(64, 3).astype(int)


@pytest.mark.few(3, reason="one more run of ffmpeg")
@pytest.mark.parametrize(("primaries", "matrix"), list(product(PRIMARIES, MATRICES)))
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
async def test_colours_are_those_that_zscale_makes(primaries: str, matrix: str, pixels: str) -> None:
    coding = coding_of(video(PRIMARIES[primaries], MATRICES[matrix], pix_fmt=pixels), moving=True)
    patches = np.array(list(product(LEVELS, repeat=3)))
    told = f"color_primaries={primaries}:color_trc=bt709"
    coded = f"format=gbrp,setparams={told}:colorspace=gbr:range=pc,zscale=m={matrix}:r=tv,format={pixels}"
    coded += f",setparams={told}:colorspace={matrix}:range=tv"
    seen = "zscale=min=bt709:rin=tv:m=gbr:r=pc,format=gbrp"
    made = worded(into_bt709(8 * SIDE, 8 * SIDE, coding))
    ours = await filtered(patches, f"{coded},{made},format=yuv444p,{seen}")
    reference = await filtered(patches, f"{coded},zscale=p=bt709:t=bt709:m=bt709:r=tv,format=yuv444p,{seen}")
    assert int(np.abs(ours - reference).max()) <= 3
    if primaries != "bt709":
        untouched = await filtered(patches, f"{coded},zscale=m=bt709:r=tv,format=yuv444p,{seen}")
        assert int(np.abs(untouched - reference).max()) > 3, "there is something to convert"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (video(2, 2), None),
        (video(1, 1), None),
        (video(2, 9), Gamut("bt2020", "bt2020nc", "bt709")),
        (video(9, 2), Gamut("bt2020", "bt2020nc", "bt709")),
        (video(12, 1), Gamut("smpte432", "bt709", "bt709")),
        (video(12, 6, curve=13), Gamut("smpte432", "smpte170m", "iec61966-2-1")),
        (video(12, 0, curve=13, pix_fmt="gbrp"), Gamut("smpte432", None, "iec61966-2-1")),
        (video(200, 200), None),
    ],
)
def test_primaries_are_what_the_file_says_or_what_its_matrix_implies(raw: RawVideo, expected: Gamut | None) -> None:
    assert coding_of(raw, moving=True).gamut == expected


async def test_transparency_stays() -> None:
    coding = coding_of(video(12, 0, curve=13, pix_fmt="rgba"), moving=False)
    made = worded(into_bt709(8 * SIDE, 8 * SIDE, coding))
    half = "format=rgba,setparams=color_primaries=smpte432:color_trc=iec61966-2-1,colorchannelmixer=aa=0.5"
    alpha = await filtered(np.zeros((64, 3), int), f"{half},{made},format=yuva420p,alphaextract,format=gray")
    assert alpha.min() == alpha.max() == pytest.approx(128, abs=1)

"""Still pictures of four coloured quarters, in the ways that cameras, scanners and other programs write pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image
from PIL.Image import Transpose

Rgb = tuple[int, int, int]

WIDTH: Final = 320
HEIGHT: Final = 180
QUARTERS: Final[tuple[Rgb, ...]] = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 30))
"""Top left, top right, bottom left, bottom right."""
CLOSE: Final = 12
"""How far a colour may be off after lossy coding."""
_GREYS: Final = tuple((grey,) * 3 for grey in (81, 130, 49, 198))
_ORIENTATION: Final = 0x112
#: How the upright picture lies in a file of each EXIF orientation (CIPA DC-008, 4.6.4): a viewer undoes it.
_LYING: Final = {
    2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_270,
}  # fmt: skip


@dataclass(frozen=True)
class Photograph:
    """A file under the name that somebody gave it, and what its quarters look like."""

    name: str
    data: bytes
    container: str
    shown: tuple[Rgb, ...] = QUARTERS


def quarters(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """The picture."""
    pixels = np.zeros((height, width, 3), np.uint8)
    across, down = width // 2, height // 2
    for place, color in zip(((0, 0), (0, 1), (1, 0), (1, 1)), QUARTERS, strict=True):
        pixels[place[0] * down :, place[1] * across :][:down, :across] = color
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file of a picture, by Pillow's name of the format."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(image: Image.Image, **options: Any) -> bytes:
    return encoded(image, "JPEG", **{"quality": 92, "subsampling": 0, **options})


def turned(kind: str, orientation: int) -> bytes:
    """A file that lies as the camera was held, and says so."""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    image = quarters()
    if orientation in _LYING:
        image = image.transpose(_LYING[orientation])
    options = {"quality": 92, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    return encoded(image, kind, exif=exif, **options)


def jpegs() -> list[Photograph]:
    """JPEGs of all kinds, of more than 2 KB each."""
    plain = quarters()
    return [
        Photograph("plain.jpg", jpeg(plain), "jpeg_pipe"),
        Photograph("progressive.jpg", jpeg(plain, progressive=True), "jpeg_pipe"),
        Photograph("subsampled.jpg", jpeg(plain, subsampling="4:2:0"), "jpeg_pipe"),
        Photograph("optimised.jpeg", jpeg(plain, optimize=True, restart_marker_rows=1), "jpeg_pipe"),
        # As Photoshop and Pillow write it, inverted, with Adobe's marker.
        Photograph("cmyk.jpg", jpeg(plain.convert("CMYK")), "jpeg_pipe"),
        Photograph("grey.jpg", encoded(plain.convert("L"), "JPEG", quality=92), "jpeg_pipe", _GREYS),
        Photograph("capitals.JPG", jpeg(plain), "jpeg_pipe"),
        Photograph("no ending", jpeg(plain), "jpeg_pipe"),
        Photograph("jpeg.png", jpeg(plain), "jpeg_pipe"),
        Photograph("jpeg.mp4", jpeg(plain), "jpeg_pipe"),
        *(Photograph(f"turned-{n}.jpg", turned("JPEG", n), "jpeg_pipe") for n in range(1, 9)),
    ]


def others() -> list[Photograph]:
    """PNG, WebP, TIFF and BMP."""
    plain = quarters()
    grey = plain.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    cleared = plain.convert("P", palette=Image.Palette.ADAPTIVE)
    pages = {"save_all": True, "append_images": [Image.new("RGB", (50, 40))]}
    return [
        Photograph("plain.png", encoded(plain, "PNG"), "png_pipe"),
        Photograph("png.mp4", encoded(plain, "PNG"), "png_pipe"),
        Photograph("png.jpg", encoded(plain, "PNG"), "png_pipe"),
        Photograph("grey16.png", encoded(deep, "PNG"), "png_pipe", _GREYS),
        Photograph("grey-alpha.png", encoded(grey.convert("LA"), "PNG"), "png_pipe", _GREYS),
        Photograph("palette.png", encoded(cleared, "PNG", transparency=255), "png_pipe"),
        Photograph("lossy.webp", encoded(plain, "WEBP", quality=95), "webp_pipe"),
        Photograph("lossless.webp", encoded(plain, "WEBP", lossless=True), "webp_pipe"),
        Photograph("alpha.webp", encoded(plain.convert("RGBA"), "WEBP", lossless=True), "webp_pipe"),
        Photograph("lzw.tiff", encoded(plain, "TIFF", compression="tiff_lzw"), "tiff_pipe"),
        Photograph("deflate.tif", encoded(plain, "TIFF", compression="tiff_adobe_deflate"), "tiff_pipe"),
        Photograph("packbits.tif", encoded(plain, "TIFF", compression="packbits"), "tiff_pipe"),
        Photograph("cmyk.tif", encoded(plain.convert("CMYK"), "TIFF"), "tiff_pipe"),
        Photograph("grey16.tif", encoded(deep, "TIFF"), "tiff_pipe", _GREYS),
        Photograph("pages.tif", encoded(plain, "TIFF", **pages), "tiff_pipe"),
        Photograph("24.bmp", encoded(plain, "BMP"), "bmp_pipe"),
        Photograph("32.bmp", encoded(plain.convert("RGBA"), "BMP"), "bmp_pipe"),
        Photograph("8.bmp", encoded(cleared, "BMP"), "bmp_pipe"),
        Photograph("grey.bmp", encoded(grey, "BMP"), "bmp_pipe", _GREYS),
        *(Photograph(f"turned-{n}.png", turned("PNG", n), "png_pipe") for n in (5, 6)),
        *(Photograph(f"turned-{n}.webp", turned("WEBP", n), "webp_pipe") for n in (5, 6)),
        *(Photograph(f"turned-{n}.tif", turned("TIFF", n), "tiff_pipe") for n in (5, 6)),
    ]  # fmt: skip


def seen(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> tuple[Rgb, ...]:
    """The colours in the middle of the quarters."""
    height, width, _ = pixels.shape
    middles = [(1, 1), (1, 3), (3, 1), (3, 3)]
    return tuple(tuple(map(int, pixels[height * y // 4, width * x // 4])) for y, x in middles)  # type: ignore[misc]


def furthest(found: tuple[Rgb, ...], wanted: tuple[Rgb, ...] = QUARTERS) -> int:
    """The largest distance of a channel."""
    return max(abs(a - b) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True))

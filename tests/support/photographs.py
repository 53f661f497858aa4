"""Still pictures of four coloured quarters, in the ways that cameras, scanners and other programs write pictures."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import pillow_heif
from PIL import Image, ImageCms
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
_SHORT, _LONG = 3, 4
#: How the upright picture lies in a file of each EXIF orientation (CIPA DC-008, 4.6.4): a viewer undoes it.
_LYING: Final = {
    2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_270,
}  # fmt: skip


@dataclass(frozen=True)
class Photograph:
    """A file under the name that somebody gave it, and what its quarters look like."""

    name: str
    write: Callable[[], bytes]
    container: str
    shown: tuple[Rgb, ...] = QUARTERS

    @cached_property
    def data(self) -> bytes:
        """Of the file; only who looks at it waits for an encoder."""
        return self.write()


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
        Photograph("plain.jpg", lambda: jpeg(plain), "jpeg_pipe"),
        Photograph("progressive.jpg", lambda: jpeg(plain, progressive=True), "jpeg_pipe"),
        Photograph("subsampled.jpg", lambda: jpeg(plain, subsampling="4:2:0"), "jpeg_pipe"),
        Photograph("optimised.jpeg", lambda: jpeg(plain, optimize=True, restart_marker_rows=1), "jpeg_pipe"),
        # As Photoshop and Pillow write it, inverted, with Adobe's marker.
        Photograph("cmyk.jpg", lambda: jpeg(plain.convert("CMYK")), "jpeg_pipe"),
        Photograph("grey.jpg", lambda: encoded(plain.convert("L"), "JPEG", quality=92), "jpeg_pipe", _GREYS),
        Photograph("capitals.JPG", lambda: jpeg(plain), "jpeg_pipe"),
        Photograph("no ending", lambda: jpeg(plain), "jpeg_pipe"),
        Photograph("jpeg.png", lambda: jpeg(plain), "jpeg_pipe"),
        Photograph("jpeg.mp4", lambda: jpeg(plain), "jpeg_pipe"),
        *(Photograph(f"turned-{n}.jpg", partial(turned, "JPEG", n), "jpeg_pipe") for n in range(1, 9)),
    ]


def others() -> list[Photograph]:
    """PNG, WebP, TIFF and BMP."""
    plain = quarters()
    grey = plain.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    cleared = plain.convert("P", palette=Image.Palette.ADAPTIVE)
    pages = {"save_all": True, "append_images": [Image.new("RGB", (50, 40))]}
    return [
        Photograph("plain.png", lambda: encoded(plain, "PNG"), "png_pipe"),
        Photograph("png.mp4", lambda: encoded(plain, "PNG"), "png_pipe"),
        Photograph("png.jpg", lambda: encoded(plain, "PNG"), "png_pipe"),
        Photograph("grey16.png", lambda: encoded(deep, "PNG"), "png_pipe", _GREYS),
        Photograph("grey-alpha.png", lambda: encoded(grey.convert("LA"), "PNG"), "png_pipe", _GREYS),
        Photograph("palette.png", lambda: encoded(cleared, "PNG", transparency=255), "png_pipe"),
        Photograph("lossy.webp", lambda: encoded(plain, "WEBP", quality=95), "webp_pipe"),
        Photograph("lossless.webp", lambda: encoded(plain, "WEBP", lossless=True), "webp_pipe"),
        Photograph("alpha.webp", lambda: encoded(plain.convert("RGBA"), "WEBP", lossless=True), "webp_pipe"),
        Photograph("lzw.tiff", lambda: encoded(plain, "TIFF", compression="tiff_lzw"), "tiff_pipe"),
        Photograph("deflate.tif", lambda: encoded(plain, "TIFF", compression="tiff_adobe_deflate"), "tiff_pipe"),
        Photograph("packbits.tif", lambda: encoded(plain, "TIFF", compression="packbits"), "tiff_pipe"),
        Photograph("cmyk.tif", lambda: encoded(plain.convert("CMYK"), "TIFF"), "tiff_pipe"),
        Photograph("grey16.tif", lambda: encoded(deep, "TIFF"), "tiff_pipe", _GREYS),
        Photograph("pages.tif", lambda: encoded(plain, "TIFF", **pages), "tiff_pipe"),
        Photograph("24.bmp", lambda: encoded(plain, "BMP"), "bmp_pipe"),
        Photograph("32.bmp", lambda: encoded(plain.convert("RGBA"), "BMP"), "bmp_pipe"),
        Photograph("8.bmp", lambda: encoded(cleared, "BMP"), "bmp_pipe"),
        Photograph("grey.bmp", lambda: encoded(grey, "BMP"), "bmp_pipe", _GREYS),
        *(Photograph(f"turned-{n}.png", partial(turned, "PNG", n), "png_pipe") for n in (5, 6)),
        *(Photograph(f"turned-{n}.webp", partial(turned, "WEBP", n), "webp_pipe") for n in (5, 6)),
        *(Photograph(f"turned-{n}.tif", partial(turned, "TIFF", n), "tiff_pipe") for n in (5, 6)),
    ]  # fmt: skip


def heif(
    image: Image.Image, *, kind: str = "HEIF", bits: int = 8, orientation: int = 1, gain_map: bool = False
) -> bytes:
    """HEIC as a phone writes it, or AVIF: lying, and turned by what the file says of it."""
    if kind == "AVIF":
        return encoded(image, kind, quality=95, subsampling="4:4:4")
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    if orientation in _LYING:
        image = image.transpose(_LYING[orientation])
    new: Any = pillow_heif.HeifFile
    made = new()
    if bits == 10:
        deep = np.asarray(image).astype(np.uint16) * 257
        made.add_frombytes("RGB;16", image.size, deep.tobytes())
    else:
        made.add_from_pillow(image)
    if gain_map:
        made.add_from_pillow(quarters(WIDTH // 2, HEIGHT // 2))
    file = io.BytesIO()
    made.save(file, quality=95, chroma=444, exif=None if gain_map else exif.tobytes())
    data = file.getvalue()
    return with_gain_map(data) if gain_map else data


def with_gain_map(heic: bytes) -> bytes:
    """A HEIC of two pictures, of which the second becomes the gain map of the first, as in those of an iPhone."""
    urn = b"urn:com:apple:photo:2020:aux:hdrgainmap\0"
    meta = _find(heic, 0, len(heic), b"meta")
    first, second = _items(heic, _find(heic, meta + 12, _end(heic, meta), b"iinf"))
    properties = _find(heic, meta + 12, _end(heic, meta), b"iprp")
    pool = _find(heic, properties + 8, _end(heic, properties), b"ipco")
    number = len(_boxes(heic, pool + 8, _end(heic, pool))) + 1
    of_items = _find(heic, properties + 8, _end(heic, properties), b"ipma")
    entry = of_items + 16
    while int.from_bytes(heic[entry : entry + 2], "big") != second:
        entry += 3 + heic[entry + 2]
    meaning, kind = (
        _box(b"auxC", bytes(4) + urn),
        _box(b"iref", bytes(4) + _box(b"auxl", b"".join(n.to_bytes(2, "big") for n in (second, 1, first)))),
    )
    out, grown = bytearray(heic), len(meaning) + len(kind) + 1
    locations = _find(heic, meta + 12, _end(heic, meta), b"iloc")
    for place in _extents(heic, locations):
        out[place : place + 4] = (int.from_bytes(heic[place : place + 4], "big") + grown).to_bytes(4, "big")
    inserted = [(_end(heic, meta), kind), (entry + 3 + heic[entry + 2], bytes([number])), (_end(heic, pool), meaning)]
    out[entry + 2] += 1
    for box, more in ((meta, grown), (properties, len(meaning) + 1), (pool, len(meaning)), (of_items, 1)):
        out[box : box + 4] = (int.from_bytes(heic[box : box + 4], "big") + more).to_bytes(4, "big")
    for at, data in sorted(inserted, key=lambda each: each[0], reverse=True):
        out[at:at] = data
    return bytes(out)


def _box(kind: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4, "big") + kind + data


def _end(data: bytes, box: int) -> int:
    return box + int.from_bytes(data[box : box + 4], "big")


def _boxes(data: bytes, at: int, end: int) -> list[int]:
    found = []
    while at < end:
        found.append(at)
        at = _end(data, at)
    return found


def _find(data: bytes, at: int, end: int, kind: bytes) -> int:
    return next(box for box in _boxes(data, at, end) if data[box + 4 : box + 8] == kind)


def _items(data: bytes, box: int) -> list[int]:
    """Numbers of the coded pictures."""
    entries = [entry for entry in _boxes(data, box + 14, _end(data, box)) if data[entry + 16 : entry + 20] == b"hvc1"]
    return [int.from_bytes(data[entry + 12 : entry + 14], "big") for entry in entries]


def _extents(data: bytes, box: int) -> list[int]:
    """Where the offsets of an item's bytes stand."""
    assert data[box + 8] == 0
    assert data[box + 12 : box + 14] == b"\x44\x40", "offsets and lengths of 4 bytes, bases too"
    at, found = box + 16, []
    for _ in range(int.from_bytes(data[box + 14 : box + 16], "big")):
        extents = int.from_bytes(data[at + 8 : at + 10], "big")
        based = any(data[at + 4 : at + 8])
        found += [at + 4] if based else [at + 10 + 8 * number for number in range(extents)]
        at += 10 + 8 * extents
    return found


def _fixed(*values: float) -> bytes:
    return b"".join(round(value * 65536).to_bytes(4, "big", signed=True) for value in values)


def wide_profile() -> bytes:
    """A profile of the primaries of Display P3 and the curve of gamma 2.2 (ICC.1:2001-04)."""
    text = b"Wide\0"
    tags = {
        b"desc": b"desc" + bytes(4) + len(text).to_bytes(4, "big") + text + bytes(78),
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"wtpt": b"XYZ " + bytes(4) + _fixed(0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ " + bytes(4) + _fixed(0.51512, 0.24120, -0.00105),
        b"gXYZ": b"XYZ " + bytes(4) + _fixed(0.29198, 0.69225, 0.04189),
        b"bXYZ": b"XYZ " + bytes(4) + _fixed(0.15710, 0.06657, 0.78407),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(4) + b"\0\0\0\1\x02\x33\0\0"),
    }
    table, body = b"", b""
    start = 132 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += name + (start + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += padded
    head = bytes(8) + b"\x02\x10\0\0" + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642, 1.0, 0.8249)
    whole = head.ljust(128, b"\0") + len(tags).to_bytes(4, "big") + table + body
    return len(whole).to_bytes(4, "big") + whole[4:]


def of_profile(kind: str) -> bytes:
    """The quarters in the colours of `wide_profile`: a viewer that passes over it shows them too dull."""
    wide = ImageCms.ImageCmsProfile(io.BytesIO(wide_profile()))
    image = ImageCms.profileToProfile(quarters(), ImageCms.createProfile("sRGB"), wide)
    assert image is not None
    if furthest(seen(np.asarray(image))) <= CLOSE:
        raise AssertionError("the profile makes a difference")
    options: dict[str, Any] = {}
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0}
    elif kind == "WEBP":
        options = {"lossless": True}
    return encoded(image, kind, icc_profile=wide_profile(), **options)


def tiff_of_jpeg() -> bytes:
    """A TIFF that is compressed as JPEG."""
    return encoded(quarters(), "TIFF", compression="jpeg", quality=95)


def bomb(side: int = 60_000) -> bytes:
    """A TIFF of that many black pixels squared, of a wide profile, in a few KiB: all strips are the same bytes."""
    rows = 60
    strip, profile = zlib.compress(bytes(rows * -(-side // 8))), wide_profile()
    count = -(-side // rows)
    begins = 8 + len(strip) + len(profile)
    tags = [
        (256, _LONG, 1, side), (257, _LONG, 1, side), (258, _SHORT, 1, 1), (259, _SHORT, 1, 8), (262, _SHORT, 1, 1),
        (273, _LONG, count, begins), (277, _SHORT, 1, 1), (278, _LONG, 1, rows),
        (279, _LONG, count, begins + 4 * count), (34675, 7, len(profile), 8 + len(strip)),
    ]  # fmt: skip
    return b"".join(
        (
            struct.pack("<2sHI", b"II", 42, begins + 8 * count),
            strip,
            profile,
            struct.pack(f"<{count}I", *[8] * count),
            struct.pack(f"<{count}I", *[len(strip)] * count),
            struct.pack("<H", len(tags)),
            *(struct.pack("<HHII", *tag) for tag in tags),
            bytes(4),
        )
    )


def animation(colors: Sequence[tuple[int, int, int, int]], milliseconds: Sequence[int], kind: str = "WEBP") -> bytes:
    """Plain pictures, one after the other."""
    first, *more = (Image.new("RGBA", (WIDTH, HEIGHT), color) for color in colors)
    options = {"lossless": True} if kind == "WEBP" else {}
    return encoded(first, kind, save_all=True, append_images=more, duration=list(milliseconds), loop=0, **options)


def seen(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> tuple[Rgb, ...]:
    """The colours in the middle of the quarters."""
    height, width, _ = pixels.shape
    middles = [(1, 1), (1, 3), (3, 1), (3, 3)]
    return tuple(tuple(map(int, pixels[height * y // 4, width * x // 4])) for y, x in middles)  # type: ignore[misc]


def furthest(found: tuple[Rgb, ...], wanted: tuple[Rgb, ...] = QUARTERS) -> int:
    """The largest distance of a channel."""
    return max(abs(a - b) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True))

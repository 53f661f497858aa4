"""Run inside the sandbox, too: still pictures and small animations that ffmpeg does not show as a viewer does.

HEIC and AVIF (tiles put together, turned), animated WebP, pictures with a colour profile other than sRGB, and TIFF that
is coded as JPEG are rewritten once, by Pillow and libheif, as PNG: upright, in sRGB, with alpha if they have it. A GIF
with delays that browsers do not keep is copied with theirs.
Imports the standard library, Pillow and pillow-heif only, and never touches cutlog: the sandbox does not show it.
Usage: pictures.py FILE OUT PACKAGE [PACKAGE ...]
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

#: Bytes from the start of a file that tell what kind of picture it is.
HEAD = 1 << 20
#: Bytes of a colour profile within which its description stands.
DESCRIBED = 1 << 12
#: Pixels of all pictures of an animation together.
MOST_PIXELS = 1 << 32
#: Pixels of one picture that are decoded.
LARGEST = 1 << 26
#: What a browser takes for a picture that is not shown at all: it shows it for so many milliseconds.
SHORTEST = 10
USUAL = 100
#: Brands of ISO/IEC 23008-12 and of AVIF whose primary item is a picture; those of sequences, which films are, are not.
STILL_BRANDS = {b"heic": "heif", b"heix": "heif", b"heim": "heif", b"heis": "heif", b"avif": "avif"}
MOVING_BRANDS = {b"avis", b"hevc", b"hevx", b"msf1"}
#: Degrees clockwise by which a viewer turns a picture of that EXIF orientation; mirrored ones are turned as well.
TURNS = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
#: What Pillow may take a file for.
FORMATS = {
    "heif": ["HEIF"], "avif": ["AVIF"], "webp_pipe": ["WEBP"], "jpeg_pipe": ["JPEG", "MPO"], "png_pipe": ["PNG"],
    "tiff_pipe": ["TIFF"],
}  # fmt: skip
CODECS = {"heif": "hevc", "avif": "av1", "jpeg_pipe": "mjpeg"}
#: Compressions of TIFF that ffmpeg does not read: JPEG (old and new), WebP, Zstandard.
FOREIGN_TIFF = {6, 7, 50000, 50001, 34926}
GAIN_MAPS = (b"aux:hdrgainmap", b"http://ns.adobe.com/hdr-gain-map/1.0/", b"urn:iso:std:iso:ts:21496:-1")
#: Tags of TIFF. Without the rows of a strip, which are then all of them, ffmpeg reads nothing.
COMPRESSION, ROWS, PROFILE = 259, 278, 34675


def demuxer(head: bytes) -> str | None:
    """The demuxer of a picture that begins with these bytes, `heif` and `avif` being ours; None if it is something
    else, for ffmpeg to find out."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg_pipe"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "apng" if b"acTL" in chunks(head) else "png_pipe"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp_pipe"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "tiff_pipe"
    # The size of the file stands in between, and is often wrong; then comes what is reserved.
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "bmp_pipe"
    if head[4:8] == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), 512)
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]
        if head[8:12] not in MOVING_BRANDS:
            return next((STILL_BRANDS[brand] for brand in brands if brand in STILL_BRANDS), None)
    return None


def chunks(png: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG before its first picture."""
    found: dict[bytes, bytes] = {}
    at = 8
    while at + 8 <= len(png) and (kind := png[at + 4 : at + 8]) != b"IDAT":
        size = int.from_bytes(png[at : at + 4], "big")
        found[kind] = png[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def foreign(name: str, head: bytes) -> bool:
    """Whether ffmpeg does not show it as a viewer does."""
    match name:
        case "heif" | "avif":
            return True
        case "webp_pipe":
            extended = head[12:16] == b"VP8X"
            # The flags of an animation and of a profile.
            return extended and (bool(head[20] & 0x02) or (bool(head[20] & 0x20) and other(after(head, b"ICCP"))))
        case "jpeg_pipe":
            return b"ICC_PROFILE\0" in head and other(after(head, b"ICC_PROFILE\0"))
        case "png_pipe":
            packed = chunks(head).get(b"iCCP", b"").partition(b"\0")[2][1:]
            return bool(packed) and other(inflated(packed))
        case "tiff_pipe":
            tags = tiff(head)
            return bool(tags) and (
                tags.get(COMPRESSION) in FOREIGN_TIFF
                or ROWS not in tags
                or (PROFILE in tags and other(head[tags[PROFILE] :][:DESCRIBED]))
            )
        case _:
            return False


def gain_map(name: str | None, head: bytes) -> bool:
    """Whether a photograph has a gain map: Apple's, Adobe's and Android's, or that of ISO 21496-1."""
    return name in ("heif", "avif", "jpeg_pipe") and any(mark in head for mark in GAIN_MAPS)


def other(profile: bytes) -> bool:
    """Whether a colour profile does not call itself sRGB, be it in ASCII or UTF-16."""
    return b"sRGB" not in profile and b"s\0R\0G\0B" not in profile


def after(head: bytes, mark: bytes) -> bytes:
    """The beginning of what follows a mark."""
    return head[head.find(mark) :][:DESCRIBED]


def inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, HEAD)
    except zlib.error:
        return b"sRGB"


def tiff(head: bytes) -> dict[int, int]:
    """The tags of the first picture of a TIFF, with what stands in their place."""
    order: Any = "little" if head[:2] == b"II" else "big"
    at = int.from_bytes(head[4:8], order)
    entries = [head[at + 2 + 12 * n :][:12] for n in range(int.from_bytes(head[at : at + 2], order))]
    return {
        int.from_bytes(entry[:2], order): int.from_bytes(
            entry[8:10] if entry[2:4] in (b"\3\0", b"\0\3") else entry[8:], order
        )
        for entry in entries
        if len(entry) == 12
    }


def load(packages: list[str]) -> Any:
    """Pillow with the formats of pillow-heif, from the folders and files of their packages alone: site-packages itself
    is out of sight."""
    for package in packages:
        path = Path(package)
        name = path.name.partition(".")[0]
        places = [package] if path.suffix != ".so" else None
        file = package if places is None else f"{package}/__init__.py"
        spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    for name in ("Image", "ImageCms", "ImageFile", "ImageOps"):
        importlib.import_module(f"PIL.{name}")
    pil: Any = sys.modules["PIL"]
    # Sizes are judged before anything is decoded, by us.
    pil.Image.MAX_IMAGE_PIXELS = None
    pil.ImageFile.LOAD_TRUNCATED_IMAGES = True
    sys.modules["pillow_heif"].register_heif_opener(thumbnails=False, depth_images=False)
    return pil


def look(pil: Any, path: str, name: str, thorough: bool) -> dict[str, Any]:
    """A picture as the examiner describes a file. `thorough`: it is decoded, too."""
    try:
        with pil.Image.open(path, formats=FORMATS[name]) as image:
            width, height = image.size
            count = getattr(image, "n_frames", 1) if name == "webp_pipe" else 1
            if count * width * height > MOST_PIXELS:
                return {"refused": f"its {count} pictures of {width} × {height} are too many to decode"}
            durations = list(timed(image, count)) if count > 1 else []
            clear = False
            if thorough and width * height <= LARGEST and not durations:
                image.load()
                clear = transparent(image)
            turned = 0 if name == "heif" else TURNS.get(image.getexif().get(0x112, 1), 0)
    except MemoryError:
        return {"refused": "it needs too much memory to be decoded"}
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, TypeError) as error:
        return {"refused": f"not readable as an image: {error}"}
    rate = [1000 * count, sum(durations)] if durations else None
    video = {
        "width": width, "height": height, "sar": None, "rotation": turned, "average_rate": rate, "base_rate": rate,
        "pix_fmt": "rgba" if image.mode in ("RGBA", "LA", "PA") else "rgb24", "interlaced": False, "color_range": 2,
        "color_primaries": 1, "color_trc": 13, "colorspace": 0, "alpha": clear,
    }  # fmt: skip
    codec = CODECS.get(name, name.partition("_")[0])
    stream = {
        "index": 0, "kind": "video", "codec": codec, "decoder": codec, "time_base": [1, 1000], "start": 0,
        "duration": sum(durations), "frames": count, "attached": False, "default": True, "decoded": True,
        "video": video, "audio": None, "times": None,
    }  # fmt: skip
    found = {"container": name, "duration": 1000 * sum(durations), "streams": [stream]}
    return {"found": found | {"foreign": True, "animated": bool(durations)}}


def transparent(image: Any) -> bool:
    """Whether a picture is transparent somewhere."""
    image = straight(image)
    if "A" not in image.getbands() and "transparency" not in image.info:
        return False
    return bool(image.convert("RGBA").getchannel("A").getextrema()[0] < 255)


def hasty(file: BinaryIO) -> Iterator[int]:
    """Where in a GIF delays of 10 ms stand, which browsers take for none and ffmpeg keeps."""
    head = file.read(13)
    if head[:4] != b"GIF8" or len(head) < 13:
        return
    colors(file, head[10])
    while (kind := file.read(1)) in (b"!", b","):
        if kind == b",":
            place = file.read(9)
            colors(file, place[8] if len(place) == 9 else 0)
        label = file.read(1)
        at = file.tell()
        control = file.read(6) if (kind, label) == (b"!", b"\xf9") else b""
        if control[:1] == b"\4" and control[2:4] == b"\1\0":
            yield at + 2
        file.seek(at)
        while size := int.from_bytes(file.read(1), "little"):
            file.seek(size, io.SEEK_CUR)


def colors(file: BinaryIO, flags: int) -> None:
    """Passes over a table of colours of a GIF, if there is one."""
    file.seek(3 << (flags & 7) + 1 if flags & 0x80 else 0, io.SEEK_CUR)


def slowed(path: str, out: str) -> None:
    """Copies a GIF with the delays of browsers."""
    shutil.copyfile(path, out)
    with Path(path).open("rb") as file, Path(out).open("r+b") as copy:
        for at in hasty(file):
            copy.seek(at)
            copy.write((USUAL // 10).to_bytes(2, "little"))


def timed(image: Any, count: int) -> Any:
    """Milliseconds of each picture of an animation, as browsers show them."""
    for number in range(count):
        image.seek(number)
        image.load()
        told = round(image.info.get("duration") or 0)
        yield told if told > SHORTEST else USUAL


def straight(image: Any) -> Any:
    """The picture without alpha multiplied into its colours."""
    return image.convert(image.mode.upper()) if image.mode in ("RGBa", "La") else image


def srgb(pil: Any, image: Any) -> Any:
    """The picture in sRGB, as RGB or RGBA, upright."""
    image = straight(pil.ImageOps.exif_transpose(image))
    if image.mode.startswith("I"):
        # Grey of 16 bits.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    if alpha is not None:
        image = image.convert(image.mode[:-1])
    if profile:
        try:
            own, wanted = pil.ImageCms.ImageCmsProfile(io.BytesIO(profile)), pil.ImageCms.createProfile("sRGB")
            black = pil.ImageCms.Flags.BLACKPOINTCOMPENSATION
            image = pil.ImageCms.profileToProfile(
                image, own, wanted, pil.ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB", flags=black
            )
        except (pil.ImageCms.PyCMSError, OSError, ValueError) as error:
            sys.stderr.write(f"its colour profile is unusable: {error}\n")
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def rewrite(pil: Any, path: str, out: str) -> None:
    """Writes a picture as PNG, an animation as APNG of whole pictures."""
    with Path(path).open("rb") as head:
        name = demuxer(head.read(HEAD))
    if name is None:
        slowed(path, out)
        return
    with pil.Image.open(path, formats=FORMATS[name]) as image, Path(out).open("wb") as file:
        count = getattr(image, "n_frames", 1) if image.format == "WEBP" else 1
        if count == 1:
            srgb(pil, image).save(file, "PNG", compress_level=1, icc_profile=None, exif=None)
            return
        animate(pil, image, list(timed(image, count)), file)


def animate(pil: Any, image: Any, durations: list[int], file: BinaryIO) -> None:
    """One picture at a time, so that an animation takes the memory of one (APNG 1.0)."""
    sequence = 0
    for number, duration in enumerate(durations):
        image.seek(number)
        buffer = io.BytesIO()
        srgb(pil, image.copy()).convert("RGBA").save(buffer, "PNG", compress_level=1, icc_profile=None, exif=None)
        data = buffer.getvalue()
        header, packed = data[16:29], pixels(data)
        if number == 0:
            file.write(data[:8])
            write(file, b"IHDR", header)
            write(file, b"acTL", len(durations).to_bytes(4, "big") + bytes(4))
        # Two numbers of 16 bits: the finest fraction of a second in which it fits.
        parts = next(parts for parts in (1000, 100, 10, 1) if duration * parts < 1000 << 16)
        delay = (duration * parts // 1000).to_bytes(2, "big") + parts.to_bytes(2, "big")
        write(file, b"fcTL", sequence.to_bytes(4, "big") + header[:8] + bytes(8) + delay + bytes(2))
        sequence += 1
        if number == 0:
            write(file, b"IDAT", packed)
        else:
            write(file, b"fdAT", sequence.to_bytes(4, "big") + packed)
            sequence += 1
    write(file, b"IEND", b"")


def pixels(png: bytes) -> bytes:
    """The packed pixels of a PNG, in one."""
    at, found = 8, []
    while at + 8 <= len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            found.append(png[at + 8 : at + 8 + size])
        at += 12 + size
    return b"".join(found)


def write(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big"))


if __name__ == "__main__":
    source, target, *rest = sys.argv[1:]
    pillow = load(rest)
    # What ends without this has not looked at the file.
    sys.stdout.write(" ")
    sys.stdout.flush()
    rewrite(pillow, source, target)

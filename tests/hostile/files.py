"""Files that are made to do harm when they are looked into. `port` is one where nobody may call."""

from __future__ import annotations

import gzip
import io
import struct
import wave
import zlib
from pathlib import Path

SECRET = "/etc/passwd"


def box(kind: bytes, *content: bytes, size: int | None = None) -> bytes:
    """A box of ISO BMFF; `size` may lie."""
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8 if size is None else size) + kind + body


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, packed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def wav(rate: int, channels: int = 1, frames: int = 100) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * channels * frames))
    return out.getvalue()


FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")


def trak(number: int, duration: int, scale: int) -> bytes:
    tkhd = box(b"tkhd", struct.pack(">IIIIII", 7, 0, 0, number, 0, duration & 0xFFFFFFFF), bytes(60))
    mdhd = box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, scale, duration & 0xFFFFFFFF, 0, 0))
    hdlr = box(b"hdlr", struct.pack(">II4s", 0, 0, b"vide"), bytes(13))
    stbl = box(
        b"stbl", *(box(kind, bytes(8)) for kind in (b"stsd", b"stts", b"stsc", b"stco")), box(b"stsz", bytes(12))
    )
    dref = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), box(b"url ", struct.pack(">I", 1))))
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", box(b"vmhd", bytes(12)), dref, stbl)))


def movie(*traks: bytes, scale: int = 1000, duration: int = 1000) -> bytes:
    mvhd = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, scale, duration & 0xFFFFFFFF), bytes(80))
    return FTYP + box(b"moov", mvhd, *traks) + box(b"mdat", bytes(64))


def external(port: int) -> bytes:
    """A QuickTime movie whose samples are said to be at a URL."""
    link = f"http://127.0.0.1:{port}/x.mp4\0".encode()
    return movie(trak(1, 1000, 1000).replace(box(b"url ", struct.pack(">I", 1)), box(b"url ", bytes(4), link)))


def corpus(port: int, clip: Path) -> dict[str, tuple[bytes, frozenset[int]]]:
    """Name of the upload → its bytes, and the statuses that are right."""
    url, film = f"http://127.0.0.1:{port}/x", clip.read_bytes()
    no, either = frozenset({422}), frozenset({201, 200, 422})
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}.ts\n#EXT-X-ENDLIST\n".encode()
    key = f"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI={url}\n#EXTINF:1,\nfile://{SECRET}\n#EXT-X-ENDLIST\n".encode()
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/><script>fetch("{url}")</script></svg>'
    moov = film.find(b"moov")
    files: dict[str, tuple[bytes, frozenset[int]]] = {
        "playlist.m3u8": (hls, no),
        "playlist.mp4": (hls, no),
        "playlist with a key.mp4": (key, no),
        "playlist of a file.avi": (b"#EXTM3U\n#EXTINF:1,\n" + SECRET.encode() + b"\n#EXT-X-ENDLIST\n", no),
        "playlist of concat.mp4": (hls.replace(url.encode(), f"concat:{SECRET}|{url}".encode()), no),
        "playlist in avi.avi": (b"RIFF\x40\0\0\0AVI LIST" + hls, no),
        "concat.txt": (f"ffconcat version 1.0\nfile {url}.mp4\n".encode(), no),
        "concat.mp4": (f"ffconcat version 1.0\nfile {SECRET}\n".encode(), no),
        "dash.mpd": (f'<?xml version="1.0"?><MPD><BaseURL>{url}</BaseURL></MPD>'.encode(), no),
        "session.sdp": (f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n".encode(), no),
        "links.asx": (f'<asx version="3"><entry><ref href="{url}"/></entry></asx>'.encode(), no),
        "smil.smil": (f'<smil><body><video src="{url}"/></body></smil>'.encode(), no),
        "entity.xml": (f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]><x>&e;</x>'.encode(), no),
        "svg.svg": (svg.encode(), no),
        "svg.png": (svg.encode(), no),
        "magick.mvg": (f"push graphic-context\nimage over 0,0 0,0 '{url}'\n".encode(), no),
        "subtitles.srt": (f"1\n00:00:00,000 --> 00:00:02,000\n{SECRET} <img src={url}>\n".encode(), no),
        "subtitles.ass": (f"[Script Info]\n[Fonts]\nfontname: {SECRET}\n".encode(), no),
        "microdvd.sub": (f"{{1}}{{1}}25\n{{1}}{{9}}{SECRET}\n".encode(), no),
        "filter.txt": (f"movie={SECRET}[out];subtitles={url}".encode(), no),
        "metadata.ffmeta": (f";FFMETADATA1\ntitle={SECRET}\n".encode(), no),
        "data elsewhere.mov": (external(port), no),
        "no moov.mp4": (FTYP + box(b"mdat", bytes(4096)), no),
        "truncated.mp4": (film[: len(film) // 3], either),
        "moov cut off.mp4": (film[: moov + 200], either),
        "box longer than the file.mp4": (FTYP + box(b"moov", bytes(100), size=0x7FFFFFFF), no),
        "box of no length.mp4": (FTYP + box(b"moov", size=1) * 500, no),
        "boxes in boxes.mp4": (FTYP + b"".join(struct.pack(">I", 80_000 - 8 * i) + b"moov" for i in range(10_000)), no),
        "ten thousand streams.mp4": (movie(*(trak(n, 1000, 1000) for n in range(1, 10_001))), no),
        "time base of zero.mp4": (movie(trak(1, 1000, 0), scale=0), no),
        "duration of ages.mp4": (movie(trak(1, 0xFFFFFFFE, 1), scale=1, duration=0xFFFFFFFE), no),
        "pixel bomb.png": (png(50_000, 50_000, zlib.compress(bytes(1000))), no),
        "pixels beyond numbers.png": (png(2**31 - 1, 2**31 - 1, zlib.compress(bytes(10))), no),
        "decompression bomb.png": (png(8192, 8192, zlib.compress(bytes(200 << 20), 9)), either),
        "size of a continent.bmp": (b"BM" + struct.pack("<IIIIiiHH", 99, 0, 54, 40, 2**30, 2**30, 1, 24), no),
        "many frames of nothing.gif": (
            b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0)
            + (b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\0") * 2000 + b";", no,
        ),
        "rate of nothing.wav": (wav(1).replace(struct.pack("<I", 1) + struct.pack("<I", 2), bytes(8), 1), either),
        "sixty thousand channels.wav": (wav(8000)[:22] + struct.pack("<H", 60_000) + wav(8000)[24:], either),
        "wav that lies about its length.wav": (wav(8000)[:40] + struct.pack("<I", 0xFFFFFFF0) + bytes(100), either),
        "zip.mp4": (b"PK\x03\x04" + bytes(200), no),
        "gzip bomb.mp4": (gzip.compress(bytes(64 << 20), 9), no),
        "program.mp4": (b"\x7fELF\x02\x01\x01" + bytes(4000), no),
        "page.mp4": (f"<html><script src={url}></script></html>".encode() * 20, no),
        "film and page.html": (film + f"<script src={url}></script>".encode(), either),
        "archive and film.zip": (film + b"PK\x05\x06" + bytes(18), either),
        "zeros.mp4": (bytes(1 << 20), no),
        "tags.mp3": (b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(2000), no),
        "matroska without end.mkv": (b"\x1aE\xdf\xa3\x01" + b"\xff" * 7 + b"\xec" * 3000, no),
        "ogg of one page.ogg": ((b"OggS\0\x02" + bytes(20) + b"\x01\xff" + b"\xff" * 255) * 300, no),
        "flv with a script.flv": (b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x12\xff\xff\xff" + bytes(3000), no),
    }  # fmt: skip
    return files


#: What a client may call its file; none of it may become a path, an argument or a filter.
NAMES = (
    "../../../../etc/passwd", "..\\..\\windows\\system32\\x.mp4", "/etc/shadow", "-i", "-filter_complex nullsrc.mp4",
    "concat:a.mp4|b.mp4", "http://127.0.0.1/x.mp4", "%{pts}.mp4", "a'b\"c.mp4", "a;rm -rf $HOME`id`.mp4",
    "film\u202e4pm.exe", "a\u0000b.mp4", "%d%n%s.mp4", "CON", ".", "..", " ", "x" * 5000, "\ud7ff\u200b.mp4", "pipe:0",
)  # fmt: skip

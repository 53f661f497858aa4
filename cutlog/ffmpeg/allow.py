"""What a file may be. A container or codec that is not named here is never parsed.

Left out on purpose: everything that names other files or hosts (hls, dash, concat, image2 patterns, rtsp, sdp,
subfile, tee), raw elementary streams, which carry no time, and the many old game formats nobody audits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

PROTOCOLS: Final = "file,pipe"

DEMUXERS: Final = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpeg", "mpegts", "ogg", "flv", "asf", "mxf",
    "dv", "ivf", "nut", "yuv4mpegpipe",
    "wav", "w64", "mp3", "flac", "aac", "ac3", "eac3", "aiff", "au", "caf", "amr", "wv", "tta",
    "gif", "apng", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe",
)  # fmt: skip

#: `heif` and `avif` are no demuxers of ffmpeg's: such files are rewritten before it reads them.
STILL_DEMUXERS: Final = frozenset({"heif", "avif", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"})

DECODERS: Final = (
    "h264", "hevc", "vvc", "av1", "libdav1d", "vp8", "vp9", "libvpx", "libvpx-vp9", "mpeg1video", "mpeg2video", "mpeg4",
    "msmpeg4v1", "msmpeg4v2", "msmpeg4", "h263", "flv", "vp6", "vp6f", "mjpeg", "prores", "dnxhd", "cfhd", "dvvideo",
    "ffv1", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "rawvideo", "v210", "qtrle", "theora", "vc1", "wmv1", "wmv2",
    "wmv3", "png", "apng", "gif", "webp", "bmp", "tiff", "wrapped_avframe",
    "aac", "aac_latm", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "flac", "alac", "vorbis", "opus",
    "libopus", "wavpack", "tta", "amrnb", "amrwb", "wmav1", "wmav2", "wmapro", "adpcm_ms", "adpcm_ima_wav",
    "adpcm_ima_qt", "pcm_s8", "pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le",
    "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw", "pcm_bluray",
)  # fmt: skip


def decoder(codec: str, *, alpha: bool) -> str | None:
    """What `-c` takes for a stream of pictures whose alpha is wanted; None leaves it to ffmpeg, whose own decoders of
    VP8 and VP9 do not see it."""
    return {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(codec) if alpha else None


def demuxer(container: str) -> str:
    """What `-f` takes for a container as a probe names it, by all names of its demuxer. Every input must be opened with
    it: left to itself, ffmpeg judges a file by the ending of its name too."""
    return container.partition(",")[0]


BRISK: Final = {"default_fps": "10", "max_fps": "99"}
"""Options of the demuxer apng by which a picture of 10 ms or less is shown for 100 ms, as browsers do; that of GIF does
so by itself."""


def input_options(formats: Sequence[str] = ()) -> list[str]:
    """Options for one input. `formats` are demuxers that the caller itself forces, such as lavfi or rawvideo."""
    return [
        *(part for name, value in BRISK.items() if "apng" in formats for part in (f"-{name}", value)),
        "-protocol_whitelist", PROTOCOLS,
        "-format_whitelist", ",".join((*DEMUXERS, *formats)),
        "-codec_whitelist", ",".join(DECODERS),
    ]  # fmt: skip


def guarded(args: Sequence[str]) -> list[str]:
    """The same arguments with `input_options` before every `-i`."""
    out: list[str] = []
    forced: list[str] = []
    for before, arg in zip(("", *args), args, strict=False):
        if before == "-f":
            forced.append(arg)
        if arg == "-i" and before != "-i":
            out += input_options(forced)
            forced = []
        out.append(arg)
    return out

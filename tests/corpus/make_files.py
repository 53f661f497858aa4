"""Writes the files of this folder that are painted here: `python -m tests.corpus.make_files DIRECTORY`.

What it writes is committed, so that a new version of an encoder does not change the corpus.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np

from tests.support.blocks import paint_blocks

FILM: Final = 3
SIZE: Final = (320, 180)
RATE: Final = 48_000
#: Name → frames, whether there is a pulse of sound each second, arguments of the encoder.
PAINTED: Final[dict[str, tuple[int, bool, str]]] = {
    "opengop-mpeg2.mpg": (72, False, "-c:v mpeg2video -b:v 300k -g 12 -bf 2"),
    "opengop-mpeg2.ts": (72, True, "-c:v mpeg2video -b:v 300k -g 12 -bf 2 -c:a mp2 -b:a 64k"),
    "opengop-mpeg2.mkv": (72, False, "-c:v mpeg2video -b:v 300k -g 12 -bf 2"),
    "opengop-h264.mkv": (96, False, "-c:v libx264 -crf 30 -g 24 -x264-params open-gop=1:bframes=3:scenecut=0"),
    "opengop-h264.ts": (96, True, "-c:v libx264 -crf 30 -g 24 -x264-params open-gop=1:bframes=3:scenecut=0 -c:a aac"),
    "opengop-hevc.mkv": (96, False, "-c:v libx265 -crf 30 -g 24 -x265-params open-gop=1:bframes=4:log-level=none"),
    "opengop-hevc-10bit.mov": (
        96, False,
        "-c:v libx265 -pix_fmt yuv420p10le -tag:v hvc1 -crf 30 -g 24 -x265-params open-gop=1:bframes=4:log-level=none",
    ),
    "hidden-frames-vp9.webm": (
        96, True,
        "-c:v libvpx-vp9 -b:v 60k -g 24 -auto-alt-ref 1 -lag-in-frames 16 -c:a libopus",
    ),
    "hidden-frames-vp8.webm": (96, False, "-c:v libvpx -b:v 100k -g 24 -auto-alt-ref 1 -lag-in-frames 16"),
    "hidden-frames-av1.mp4": (96, False, "-c:v libaom-av1 -cpu-used 8 -crf 45 -g 24 -lag-in-frames 19"),
    "forward-keys-av1.mkv": (96, False, "-c:v libsvtav1 -preset 10 -crf 45 -g 24 -svtav1-params irefresh-type=1"),
    "intra-refresh-h264.mp4": (96, False, "-c:v libx264 -crf 30 -g 24 -x264-params intra-refresh=1:bframes=0"),
    "mpeg4-bframes.avi": (72, True, "-c:v mpeg4 -b:v 200k -bf 2 -g 12 -c:a adpcm_ms"),
    "mjpeg.avi": (24, False, "-c:v mjpeg -q:v 12"),
    "theora.ogv": (48, False, "-c:v libtheora -b:v 100k -g 12"),
    "prores.mov": (6, False, "-c:v prores_ks -profile:v 0 -q:v 32"),
    "ffv1.mkv": (24, False, "-c:v ffv1 -level 3"),
    "fragmented.mp4": (48, True, "-c:v libx264 -crf 30 -g 24 -movflags frag_keyframe+empty_moov -c:a aac"),
    "starts-late.ts": (48, True, "-c:v libx264 -crf 30 -g 24 -output_ts_offset 3600 -c:a aac"),
    "negative-times.mkv": (48, True, "-c:v libx264 -crf 30 -g 24 -bf 3 -avoid_negative_ts disabled -c:a aac"),
}  # fmt: skip


def main(folder: Path) -> None:
    for name, (frames, sound, arguments) in PAINTED.items():
        pulses = folder / "pulses.f32"
        _pulses(frames / 24).tofile(pulses)
        heard = ["-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", str(pulses)] if sound else []
        painted = b"".join(paint_blocks(k, FILM, SIZE).tobytes() for k in range(frames))
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}", "-r", "24", "-i", "pipe:0"]
        pixels = [] if "-pix_fmt" in arguments else ["-pix_fmt", "yuv422p10le" if "prores" in arguments else "yuv420p"]
        _ffmpeg([*source, *heard, *pixels, *arguments.split(), str(folder / name)], painted)
        pulses.unlink()


def _pulses(seconds: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """1 ms of full level half a second after each whole one."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    for second in range(int(seconds)):
        begins = round((second + 0.5) * RATE)
        sound[begins : begins + RATE // 1000] = 0.9
    return sound


def _ffmpeg(arguments: Sequence[str], fed: bytes) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostats", "-v", "error", "-y", *arguments]
    subprocess.run(command, input=fed, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

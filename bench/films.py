"""The films that rendering is measured on, and how others make them: a source, its cuts, and commands of peers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from cutlog.contract.profiles import COLOR_ARGS, COLOR_FILTER, gop_frames, proxy_video_args
from cutlog.ffmpeg.binaries import locate
from services.render.plan.profiles import EXPORTS

FPS: Final = 24
SOURCE_SECONDS: Final = 150
CLIP_SECONDS: Final = 15
Json = dict[str, Any]
Cuts = list[tuple[int, int]]
"""Each clip's first frame in the source and the one after its last."""

MOVIEPY: Final = """
import sys
from moviepy import VideoFileClip, concatenate_videoclips
source, out, *cuts = sys.argv[1:]
film = VideoFileClip(source)
parts = [film.subclipped(int(a) / 24, int(b) / 24) for a, b in (cut.split(":") for cut in cuts)]
concatenate_videoclips(parts).resized(height=480).write_videofile(
    out, codec="libx264", preset="veryfast", audio_codec="aac", logger=None,
    ffmpeg_params=["-crf", "26", "-bf", "0", "-g", "24"],
)
"""


def ffmpeg() -> str:
    """The ffmpeg that cutlog itself uses."""
    return str(locate(None))


def source(folder: Path) -> Path:
    """BENCH_SOURCE, or a made film: 1080p24 with moving patterns, grain and sound, which says that it is BT.709.

    Of a film that does not, ffmpeg converts the colours of every picture, and the peer would make another film.
    """
    if given := os.environ.get("BENCH_SOURCE"):
        return Path(given)
    path = folder / "source.mp4"
    subprocess.run(
        [
            ffmpeg(), "-v", "error", "-y", "-f", "lavfi",
            "-i", f"testsrc2=size=1920x1080:rate={FPS}:duration={SOURCE_SECONDS},noise=alls=5:allf=t",
            "-f", "lavfi", "-i", f"sine=frequency=330:beep_factor=4:sample_rate=48000:duration={SOURCE_SECONDS}",
            "-vf", f"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,{COLOR_FILTER}", *COLOR_ARGS,
            "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "48",
            "-c:a", "aac", "-b:a", "128k", str(path),
        ],
        check=True,
    )  # fmt: skip
    return path


def cuts(seconds: int, frames: int) -> Cuts:
    """Clips of 15 s from all over a source of so many frames, none on a whole second."""
    length = CLIP_SECONDS * FPS
    starts = ((37 * FPS + 7) * number % (frames - length - 1) + 1 for number in range(seconds // CLIP_SECONDS))
    return [(start, start + length) for start in starts]


def ops(video: str, parts: Cuts) -> list[Json]:
    """The timeline as one version: clips one after the other, and a title in the middle."""
    made: list[Json] = [
        {"op": "track.add", "track": "v1", "kind": "video"}, {"op": "track.add", "track": "titles", "kind": "video"},
    ]  # fmt: skip
    at = 0
    for number, (start, end) in enumerate(parts):
        made.append(
            {"op": "clip.add", "clip": f"c{number}", "track": "v1", "at": at, "media": video, "in": start, "out": end}
        )
        at += end - start
    title = {"text": "A title", "size": 0.1}
    made.append({"op": "clip.add", "clip": "title", "track": "titles", "at": at // 2, "frames": 2 * FPS, "text": title})
    return made


def single_pass(film: Path, parts: Cuts, out: Path, *, proxy: bool) -> list[str]:
    """One ffmpeg command that makes the same film, with the same settings of the encoder."""
    command = [ffmpeg(), "-v", "error", "-y", "-nostdin"]
    for start, end in parts:
        command += ["-ss", f"{start / FPS:.6f}", "-t", f"{(end - start) / FPS:.6f}", "-i", str(film)]
    scale = "scale=854:480,setsar=1" if proxy else "setsar=1"
    graph = "".join(f"[{n}:v]{scale},fps={FPS}[v{n}];" for n in range(len(parts)))
    graph += "".join(f"[v{n}][{n}:a]" for n in range(len(parts))) + f"concat=n={len(parts)}:v=1:a=1[v][a]"
    rate = Fraction(FPS)
    encoder = proxy_video_args(rate) if proxy else EXPORTS["mp4"].encoder(rate)
    bitrate = "96k" if proxy else "192k"
    return [
        *command, "-filter_complex", graph, "-map", "[v]", "-map", "[a]", *encoder, "-c:a", "aac", "-b:a", bitrate,
        "-movflags", "+faststart", str(out),
    ]  # fmt: skip


def melt(film: Path, parts: Cuts, out: Path) -> list[str] | None:
    """MLT's command for the proxy; None where it is not installed."""
    program = shutil.which("melt")
    if program is None:
        return None
    clips = [word for start, end in parts for word in (str(film), f"in={start}", f"out={end - 1}")]
    settings = ["s=854x480", "vcodec=libx264", "preset=veryfast", "crf=26", f"g={gop_frames(Fraction(FPS))}", "bf=0"]
    return [
        program, "-silent", "-profile", "atsc_1080p_24", *clips, "-consumer", f"avformat:{out}", *settings,
        "acodec=aac", "ab=96k", "real_time=-2", "movflags=+faststart",
    ]  # fmt: skip


def moviepy(folder: Path, film: Path, parts: Cuts, out: Path) -> list[str] | None:
    """MoviePy's command for the proxy, in an environment of its own; None where it can't be installed."""
    environment = folder / "moviepy"
    python = environment / "bin" / "python"
    made = subprocess.run([sys.executable, "-m", "venv", str(environment)], capture_output=True, check=False)
    if made.returncode:
        return None
    install = [str(python), "-m", "pip", "install", "--quiet", "moviepy"]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        return None
    script = folder / "moviepy_peer.py"
    script.write_text(MOVIEPY)
    return [str(python), str(script), str(film), str(out), *(f"{start}:{end}" for start, end in parts)]


def timed(command: list[str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def vmaf(film: Path, parts: Cuts, candidate: Path) -> float:
    """How near a film's pictures are to those of its source, 0 to 100: every tenth frame."""
    command = [ffmpeg(), "-nostdin", "-v", "info", "-i", str(candidate)]
    for start, end in parts:
        command += ["-ss", f"{start / FPS:.6f}", "-t", f"{(end - start) / FPS:.6f}", "-i", str(film)]
    graph = "".join(f"[{n + 1}:v]setsar=1,fps={FPS}[v{n}];" for n in range(len(parts)))
    graph += "".join(f"[v{n}]" for n in range(len(parts))) + f"concat=n={len(parts)}:v=1:a=0[reference];"
    graph += "[0:v][reference]libvmaf=n_subsample=10:n_threads=2"
    result = subprocess.run([*command, "-filter_complex", graph, "-f", "null", "-"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    return float(result.stderr.rpartition("VMAF score: ")[2].split()[0])

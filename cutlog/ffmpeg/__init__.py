"""The only place that starts ffmpeg, or opens a file that a user sent: always in a child, always confined."""

from cutlog.ffmpeg.binaries import Binary, BinaryNotFoundError
from cutlog.ffmpeg.errors import (
    FfmpegFailedError,
    MediaRefusedError,
    MemoryLimitError,
    NotExaminedError,
    OutputTooLargeError,
    TimeLimitError,
)
from cutlog.ffmpeg.limits import Limits
from cutlog.ffmpeg.probing import RawAudio, RawProbe, RawStream, RawTimes, RawVideo
from cutlog.ffmpeg.progress import Progress
from cutlog.ffmpeg.runner import Ffmpeg, FfmpegResult
from cutlog.ffmpeg.sandbox import SandboxUnavailableError
from cutlog.ffmpeg.scripts import ScriptFailedError, ScriptRunner
from cutlog.ffmpeg.typefaces import RawAxis, RawFace, RawFont, is_font

__all__ = [
    "Binary",
    "BinaryNotFoundError",
    "Ffmpeg",
    "FfmpegFailedError",
    "FfmpegResult",
    "Limits",
    "MediaRefusedError",
    "MemoryLimitError",
    "NotExaminedError",
    "OutputTooLargeError",
    "Progress",
    "RawAudio",
    "RawAxis",
    "RawFace",
    "RawFont",
    "RawProbe",
    "RawStream",
    "RawTimes",
    "RawVideo",
    "SandboxUnavailableError",
    "ScriptFailedError",
    "ScriptRunner",
    "TimeLimitError",
    "is_font",
]

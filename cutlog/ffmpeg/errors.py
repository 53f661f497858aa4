"""Why a confined run gave no result."""

from __future__ import annotations


class FfmpegFailedError(Exception):
    """ffmpeg ended with an error. `code` is its exit code, or minus the signal that ended it; `log` its last words."""

    def __init__(self, code: int, log: str) -> None:
        last = next((line for line in reversed(log.splitlines()) if line.strip()), "it said nothing")
        super().__init__(f"ffmpeg ended with {code}: {last.strip()}")
        self.code = code
        self.log = log


class TimeLimitError(FfmpegFailedError):
    """ffmpeg was stopped because it took longer than its limit."""


class MemoryLimitError(FfmpegFailedError):
    """ffmpeg needed more memory than its limit."""


class OutputTooLargeError(FfmpegFailedError):
    """ffmpeg was stopped because a file grew beyond its limit."""


class NotExaminedError(Exception):
    """A file could not be looked at, which is no fault of the file. The message says why."""


class MediaRefusedError(Exception):
    """The file is not media that can be used. The message says why."""

"""Names of files: their endings, and as people see them. Pure."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

MAX_NAME: Final = 255

#: File endings by container; the first is for files whose own name does not fit.
_SUFFIXES: Final[dict[str, tuple[str, ...]]] = {
    "mov": (".mp4", ".mov", ".m4v", ".m4a", ".3gp", ".3g2"),
    "matroska": (".mkv", ".webm", ".mka"),
    "mpeg": (".mpg", ".mpeg", ".vob"),
    "mpegts": (".ts", ".m2ts", ".mts"),
    "ogg": (".ogg", ".ogv", ".oga", ".opus"),
    "asf": (".wmv", ".wma", ".asf"),
    "aiff": (".aiff", ".aif"),
    "heif": (".heic", ".heif", ".hif"),
    "jpeg_pipe": (".jpg", ".jpeg"),
    "png_pipe": (".png",),
    "webp_pipe": (".webp",),
    "bmp_pipe": (".bmp",),
    "tiff_pipe": (".tiff", ".tif"),
    "ttc": (".ttc", ".otc"),
    "yuv4mpegpipe": (".y4m",),
}
_PLAIN: Final = re.compile(r"[a-z0-9]{1,8}")


def suffix(container: str, name: str) -> str:
    """The ending of a stored original: the upload's own if it fits what the file is, else the container's."""
    first = container.split(",")[0]
    fitting = _SUFFIXES.get(first) or ((f".{first}",) if _PLAIN.fullmatch(first) else (".bin",))
    own = PurePosixPath(name).suffix.lower()
    return own if own in fitting else fitting[0]


def display_name(filename: str | None) -> str:
    """The last part of what a client calls its file, in printable characters; `unnamed` when nothing is left."""
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in unicodedata.normalize("NFC", last) if c.isprintable()).strip()
    return shown[:MAX_NAME].strip() or "unnamed"

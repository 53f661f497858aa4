"""Videos as the old backend had them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from cutlog.contract.base import Wire
from cutlog.contract.limits import NO_NUL
from cutlog.web.envelope import PageQuery, Pagination

TAG: Final = "Old frontends"

Sort = Literal[
    "-createdAt", "createdAt", "-title", "title", "-name", "name", "-fileSize", "fileSize", "-duration", "duration"
]


class VideosQuery(PageQuery):
    """Which videos: those with `search` in their title, description, tags or file name; in which order."""

    search: Annotated[str, msgspec.Meta(max_length=200, pattern=NO_NUL)] | None = None
    sort: Sort = "-createdAt"


class VideoRow(Wire, kw_only=True):
    """A video. `duration` in seconds, `fileSize` in bytes; `filename` is what the stored file is called, `originalName`
    what the upload was. `url` is a signed link for minutes, which needs no token; null in the archive."""

    old_id: str = msgspec.field(name="_id")
    id: str
    title: str
    description: str
    tags: tuple[str, ...]
    user_id: str
    filename: str
    original_name: str
    file_path: str
    file_size: int
    mime_type: str
    duration: float | None
    resolution: str | None
    status: str
    sha256: str
    ref_count: int
    created_at: datetime
    updated_at: datetime
    url: str | None


class One(Wire):
    video: VideoRow


class VideoRows(Wire):
    videos: tuple[VideoRow, ...]
    pagination: Pagination


class Described(msgspec.Struct):
    """What a form says of its video, as its fields come."""

    title: str | None = None
    description: str = ""
    tags: list[str] = msgspec.field(default_factory=list)

    def say(self, name: str, text: str) -> None:
        """Takes a field; those that nobody knows are ignored. Tags are words with commas between."""
        match name:
            case "title":
                self.title = text.strip() or None
            case "description":
                self.description = text.strip()
            case "tags" | "tags[]":
                self.tags += [tag for each in text.split(",") if (tag := each.strip())]
            case _:
                pass

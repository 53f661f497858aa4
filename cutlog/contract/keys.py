"""The grammar of object keys: the only place that builds one or takes one apart. Pure.

`str(key)` is the text under which the store has the object; `parse_key` reads such a text back. Every key round-trips:
a value that would not is refused when it is made. What deletes objects relies on that: a text that is in no
family of keys is an error, never something to pass over.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import ClassVar, Final, Literal, Self, cast, get_args

import msgspec

from cutlog.contract.profiles import EXPORTS, ExportProfile

RenditionName = Literal[
    "proxy.mp4",
    "proxy-alpha.mp4",
    "audio.m4a",
    "audio.pcm",
    "thumbnail.jpg",
    "sprite.jpg",
    "waveform.json",
    "waveform.png",
    "master.png",
    "master.otf",
]
"""What is made of an upload. Releases up to 0.1 kept sound as PCM."""
StreamKind = Literal["mp4", "alpha.mp4", "m4a", "pcm"]
"""What is made of another stream: an edit proxy, the alpha of one, sound (PCM up to release 0.1)."""
CacheKind = Literal["mp4", "pcm", "json", "jpeg", "png"]
"""What the render cache holds: segments and chunks of sound, sections of treated sound, measurements, frames."""
FilmProfile = Literal["proxy"] | ExportProfile
"""What a receipt is of."""

ORIGINALS: Final = "videos"
DERIVED: Final = "derived"
CACHE: Final = "segments"
RECEIPTS: Final = f"{CACHE}/receipts"
PROXIES: Final = "proxy"
EXPORTED: Final = "export"
ARCHIVE: Final = "archive"
IMPORTS: Final = "import"
TEMP: Final = "temp"
PARTS: Final = f"{TEMP}/resumable"

_ID: Final = r"[a-z0-9][a-z0-9_-]{0,63}"
_SHA256: Final = "[0-9a-f]{64}"
_NUMBER: Final = r"0|[1-9][0-9]{0,17}"
_CONTENT: Final = rf"(?P<sha256>{_SHA256})\.(?P<generation>{_NUMBER})"
#: Whose set of renditions it is: that of the first examination has none.
_REVISION: Final = r"(?:r(?P<revision>[1-9][0-9]{0,8})/)?"
_SUFFIX: Final = r"(?P<suffix>\.[a-z0-9]{1,8})"
_PROFILES: Final[dict[str, ExportProfile]] = {made.suffix: profile for profile, made in EXPORTS.items()}
_EXPORT: Final = rf"v(?P<version>{_NUMBER})(?P<ending>{'|'.join(map(re.escape, _PROFILES))})"


def _one_of(words: object) -> str:
    return "|".join(map(re.escape, get_args(words)))


class UnknownKeyError(ValueError):
    """The key is not one that this build writes."""


class _Key(msgspec.Struct, frozen=True):
    """What all keys share: the `shape` of their text. Raises UnknownKeyError for values that make no such text."""

    shape: ClassVar[re.Pattern[str]]

    def __post_init__(self) -> None:
        if self.shape.fullmatch(str(self)) is None:
            raise UnknownKeyError(f"{type(self).__name__} is never {str(self)[:512]!r}")

    @classmethod
    @abstractmethod
    def of(cls, found: re.Match[str]) -> Self:
        """The key whose text matched the shape."""


class Content(msgspec.Struct, frozen=True):
    """Bytes that a tenant uploaded; `generation` counts how often they were deleted before."""

    tenant: str
    sha256: str
    generation: int

    @property
    def folder(self) -> str:
        """The prefix of all that is made of it."""
        return f"{derived_of(self.tenant)}/{self.sha256}.{self.generation}"


class OriginalKey(_Key, frozen=True):
    """An uploaded file. `suffix` is its file ending with the dot."""

    shape = re.compile(rf"{ORIGINALS}/(?P<tenant>{_ID})/{_CONTENT}{_SUFFIX}")
    content: Content
    suffix: str

    def __str__(self) -> str:
        return f"{originals_of(self.content.tenant)}/{self.content.sha256}.{self.content.generation}{self.suffix}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(_content(found), found["suffix"])


class RenditionKey(_Key, frozen=True):
    """What ingest made of an upload. `revision` counts how often the upload was examined before."""

    shape = re.compile(rf"{DERIVED}/(?P<tenant>{_ID})/{_CONTENT}/{_REVISION}(?P<name>{_one_of(RenditionName)})")
    content: Content
    name: RenditionName
    revision: int = 0

    def __str__(self) -> str:
        return f"{revised(self.content, self.revision)}/{self.name}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(_content(found), cast(RenditionName, found["name"]), _revision(found))


class StreamKey(_Key, frozen=True):
    """What ingest made of a stream that is not the one that clips show or play unless they name another."""

    shape = re.compile(
        rf"{DERIVED}/(?P<tenant>{_ID})/{_CONTENT}/{_REVISION}stream-(?P<stream>{_NUMBER})\.(?P<kind>{_one_of(StreamKind)})"
    )
    content: Content
    stream: int
    kind: StreamKind
    revision: int = 0

    def __str__(self) -> str:
        return f"{revised(self.content, self.revision)}/stream-{self.stream}.{self.kind}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        kind = cast(StreamKind, found["kind"])
        return cls(_content(found), int(found["stream"]), kind, _revision(found))


class SliceKey(_Key, frozen=True):
    """A piece of what ingest makes of a stream: frames, ticks or samples from `start` to `end`. `last`: it ends it."""

    shape = re.compile(
        rf"{DERIVED}/(?P<tenant>{_ID})/{_CONTENT}/{_REVISION}stream-(?P<stream>{_NUMBER})\.(?P<kind>{_one_of(StreamKind)})"
        rf"\.(?P<start>{_NUMBER})-(?P<end>{_NUMBER})\.(?P<which>slice|last)"
    )
    content: Content
    stream: int
    kind: StreamKind
    start: int
    end: int
    revision: int = 0
    last: bool = False

    def __str__(self) -> str:
        whole = f"{revised(self.content, self.revision)}/stream-{self.stream}.{self.kind}"
        return f"{whole}.{self.start}-{self.end}.{'last' if self.last else 'slice'}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        kind, (start, end) = cast(StreamKind, found["kind"]), (int(found[name]) for name in ("start", "end"))
        return cls(_content(found), int(found["stream"]), kind, start, end, _revision(found), found["which"] == "last")


class ThumbnailKey(_Key, frozen=True):
    """A picture of one frame of an upload, made because a viewer asked for it."""

    shape = re.compile(rf"{DERIVED}/(?P<tenant>{_ID})/{_CONTENT}/{_REVISION}at-(?P<frame>{_NUMBER})\.jpg")
    content: Content
    frame: int
    revision: int = 0

    def __str__(self) -> str:
        return f"{revised(self.content, self.revision)}/at-{self.frame}.jpg"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(_content(found), int(found["frame"]), _revision(found))


class CacheKey(_Key, frozen=True):
    """A file of the render cache, named by the digest of all that it depends on."""

    shape = re.compile(
        rf"{CACHE}/(?P<tenant>{_ID})/(?P<two>..)/(?P<digest>(?P=two)[0-9a-f]{{62}})\.(?P<kind>{_one_of(CacheKind)})"
    )
    tenant: str
    digest: str
    kind: CacheKind

    def __str__(self) -> str:
        return f"{cache_of(self.tenant)}/{self.digest[:2]}/{self.digest}.{self.kind}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["tenant"], found["digest"], cast(CacheKind, found["kind"]))


class ReceiptKey(_Key, frozen=True):
    """What a film was made of."""

    shape = re.compile(
        rf"{RECEIPTS}/(?P<project>{_ID})/v(?P<version>{_NUMBER})_(?P<profile>proxy|{_one_of(ExportProfile)})\.json"
    )
    project_id: str
    version: int
    profile: FilmProfile

    def __str__(self) -> str:
        return f"{receipts_of(self.project_id)}/v{self.version}_{self.profile}.json"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["project"], int(found["version"]), cast(FilmProfile, found["profile"]))


class ProxyKey(_Key, frozen=True):
    """The proxy of a version."""

    shape = re.compile(rf"{PROXIES}/(?P<project>{_ID})/v(?P<version>{_NUMBER})_proxy\.mp4")
    project_id: str
    version: int

    def __str__(self) -> str:
        return f"{proxies_of(self.project_id)}/v{self.version}_proxy.mp4"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["project"], int(found["version"]))


class ExportKey(_Key, frozen=True):
    """An export of a version."""

    shape = re.compile(rf"{EXPORTED}/(?P<project>{_ID})/{_EXPORT}")
    project_id: str
    version: int
    profile: ExportProfile

    def __str__(self) -> str:
        return f"{exports_of(self.project_id)}/v{self.version}{EXPORTS[self.profile].suffix}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["project"], int(found["version"]), _PROFILES[found["ending"]])


class ArchivedExportKey(_Key, frozen=True):
    """An export in the archive."""

    shape = re.compile(rf"{ARCHIVE}/(?P<id>{_ID})_{_EXPORT}")
    export_id: str
    version: int
    profile: ExportProfile

    def __str__(self) -> str:
        return f"{ARCHIVE}/{self.export_id}_v{self.version}{EXPORTS[self.profile].suffix}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["id"], int(found["version"]), _PROFILES[found["ending"]])


class ArchivedVideoKey(_Key, frozen=True):
    """An upload in the archive: its id, and the name that it had."""

    shape = re.compile(rf"{ARCHIVE}/(?P<id>{_ID})_{_CONTENT}{_SUFFIX}")
    media_id: str
    sha256: str
    generation: int
    suffix: str

    def __str__(self) -> str:
        return f"{ARCHIVE}/{self.media_id}_{self.sha256}.{self.generation}{self.suffix}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["id"], found["sha256"], int(found["generation"]), found["suffix"])


class ImportKey(_Key, frozen=True):
    """A file on its way from a legacy store, until the run that brings it has placed it."""

    shape = re.compile(rf"{IMPORTS}/(?P<run>{_ID})/(?P<sha256>{_SHA256})")
    run: str
    sha256: str

    def __str__(self) -> str:
        return f"{imports_of(self.run)}/{self.sha256}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["run"], found["sha256"])


class PartKey(_Key, frozen=True):
    """A part of an unfinished upload, from byte `start` on. `unique`: two requests may bring the same bytes at once."""

    shape = re.compile(rf"{PARTS}/(?P<upload>{_ID})/(?P<start>[0-9]{{15}})-(?P<unique>[0-9a-f]{{12}})")
    upload_id: str
    start: int
    unique: str

    def __str__(self) -> str:
        return f"{parts_of(self.upload_id)}/{self.start:015d}-{self.unique}"

    @classmethod
    def of(cls, found: re.Match[str]) -> Self:
        return cls(found["upload"], int(found["start"]), found["unique"])


ObjectKey = (
    OriginalKey | RenditionKey | StreamKey | SliceKey | ThumbnailKey | CacheKey | ReceiptKey | ProxyKey | ExportKey
    | ArchivedExportKey | ArchivedVideoKey | ImportKey | PartKey
)  # fmt: skip


def originals_of(tenant: str) -> str:
    """The prefix of a tenant's uploads."""
    return f"{ORIGINALS}/{tenant}"


def derived_of(tenant: str) -> str:
    """The prefix of all that is made of a tenant's uploads."""
    return f"{DERIVED}/{tenant}"


def cache_of(tenant: str) -> str:
    """The prefix of a tenant's render cache. Receipts are below that of a tenant called `receipts`, too."""
    return f"{CACHE}/{tenant}"


def receipts_of(project_id: str) -> str:
    """The prefix of a project's receipts."""
    return f"{RECEIPTS}/{project_id}"


def proxies_of(project_id: str) -> str:
    """The prefix of a project's proxies."""
    return f"{PROXIES}/{project_id}"


def exports_of(project_id: str) -> str:
    """The prefix of a project's exports."""
    return f"{EXPORTED}/{project_id}"


def imports_of(run: str) -> str:
    """The prefix of what a run of backfill brings."""
    return f"{IMPORTS}/{run}"


def parts_of(upload_id: str) -> str:
    """The prefix of the parts of an unfinished upload."""
    return f"{PARTS}/{upload_id}"


def revised(content: Content, revision: int) -> str:
    """The prefix of what an examination made of a content."""
    return f"{content.folder}/r{revision}" if revision else content.folder


def revision_of(key: str) -> int:
    """The examination whose rendition is at `key`."""
    match parse_key(key):
        case RenditionKey(revision=revision) | StreamKey(revision=revision):
            return revision
        case _:
            return 0


FAMILIES: Final[dict[str, tuple[type[ObjectKey], ...]]] = {
    ORIGINALS: (OriginalKey,), DERIVED: (RenditionKey, StreamKey, SliceKey, ThumbnailKey),
    CACHE: (CacheKey, ReceiptKey), PROXIES: (ProxyKey,), EXPORTED: (ExportKey,),
    ARCHIVE: (ArchivedExportKey, ArchivedVideoKey), IMPORTS: (ImportKey,), TEMP: (PartKey,),
}  # fmt: skip
"""By the first word of a key: what it may be."""


def parse_key(text: str) -> ObjectKey:
    """The key that a text is. Raises UnknownKeyError."""
    for family in FAMILIES.get(text.partition("/")[0], ()):
        if (found := family.shape.fullmatch(text)) is not None:
            return family.of(found)
    raise UnknownKeyError(f"not a key that this build writes: {text[:512]!r}")


def _revision(found: re.Match[str]) -> int:
    return int(found["revision"] or 0)


def _content(found: re.Match[str]) -> Content:
    return Content(found["tenant"], found["sha256"], int(found["generation"]))

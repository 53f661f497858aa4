"""Where files live: plain files under a folder, a bucket, or memory, behind one protocol.

A key is a path of plain words such as `export/p_1/v3_final.mp4`. Writing is atomic everywhere: a key shows either
nothing, the old bytes or all of the new ones.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from cutlog.blobs.keys import InvalidKeyError, check_key
from cutlog.blobs.lifetimes import LINK_SECONDS, MAX_LINK_SECONDS, playing_seconds
from cutlog.blobs.local import LocalBlobs
from cutlog.blobs.remote import ObstoreBlobs
from cutlog.blobs.store import Blob, BlobHead, BlobNotFoundError, BlobStore, Method, StoreUnavailableError

__all__ = [
    "LINK_SECONDS",
    "MAX_LINK_SECONDS",
    "Blob",
    "BlobHead",
    "BlobNotFoundError",
    "BlobStore",
    "InvalidKeyError",
    "LocalBlobs",
    "Method",
    "ObstoreBlobs",
    "StoreUnavailableError",
    "check_key",
    "open_blobs",
    "playing_seconds",
]


def open_blobs(url: str, file_secret: str, bucket_secret: str = "") -> BlobStore:
    """The store at `file:///absolute/folder` (made if missing), `memory://` or `s3://bucket/prefix`.

    `file_secret` signs URLs of stores that can't sign their own. Credentials of S3 come from the usual AWS variables;
    with its secret key given too, links to a bucket name the file that a browser saves.
    Raises ValueError for another URL.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "file":
            return LocalBlobs(Path(unquote(parts.path)), file_secret)
        case "memory":
            return ObstoreBlobs.memory(file_secret)
        case "s3":
            return ObstoreBlobs.s3(url, bucket_secret)
        case _:
            raise ValueError(f"not a place for objects: {url!r} (file:///…, s3://… or memory://)")

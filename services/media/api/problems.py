"""How errors are answered: one table from those of the domain to problem documents."""

from __future__ import annotations

from typing import Final

from cutlog.blobs import BlobNotFoundError
from cutlog.ffmpeg import NotExaminedError
from cutlog.web import Api, Problem, ProblemError
from cutlog.web.budgets import exceeded, used_up
from cutlog.web.problems import INVALID_HEADER, NOT_FOUND, TOO_LARGE, unavailable
from services.media.api import problem_types
from services.media.facts.probed import UnusableError
from services.media.ingest.imports import NOT_ARRIVED, OTHER_BYTES, DigestMismatchError
from services.media.ingest.leases import LeaseLostError
from services.media.ingest.receive import INVALID_MEDIA, EmptyFileError, OutOfSpaceError, StorageError
from services.media.records.quotas import QuotaError
from services.media.records.videos import NotFailedError, VideoInUseError, VideoUnknownError
from services.media.uploads.headers import ANSWERED, HeaderError
from services.media.uploads.holding import BusyError, BytesLostError
from services.media.uploads.resumable import OffsetError, UploadExpiredError, UploadUnknownError
from services.media.uploads.resuming import ChecksumError, TooLongError

FIELD: Final = "file"
"""The field of a form that has the file."""


def map_problems(api: Api) -> None:
    """Tells the API what each error means over HTTP."""
    api.problem(VideoUnknownError, NOT_FOUND)
    api.problem(VideoInUseError, problem_types.MEDIA_IN_USE)
    api.problem(NotFailedError, problem_types.NOT_FAILED)
    api.problem(UnusableError, lambda error: _refused(f"The file can't be used: {error}."))
    api.problem(NotExaminedError, lambda _: unavailable("The file could not be examined.", 2))
    api.problem(EmptyFileError, lambda error: _refused(str(error)))
    api.problem(OutOfSpaceError, problem_types.OUT_OF_SPACE)
    api.problem(QuotaError, _over)
    api.problem(StorageError, lambda error: unavailable(str(error)))
    api.problem(LeaseLostError, lambda error: unavailable(str(error), 1))
    api.problem(UploadUnknownError, NOT_FOUND, headers=ANSWERED)
    api.problem(UploadExpiredError, problem_types.UPLOAD_EXPIRED, headers=ANSWERED)
    api.problem(BytesLostError, problem_types.UPLOAD_LOST, headers=ANSWERED)
    api.problem(BusyError, problem_types.UPLOAD_BUSY, headers=ANSWERED | {"Retry-After": "1"})
    api.problem(OffsetError, problem_types.WRONG_OFFSET, headers=ANSWERED)
    api.problem(TooLongError, TOO_LARGE, headers=ANSWERED)
    api.problem(ChecksumError, problem_types.CHECKSUM_MISMATCH, headers=ANSWERED)
    api.problem(HeaderError, INVALID_HEADER, headers=ANSWERED)
    api.problem(DigestMismatchError, OTHER_BYTES)
    api.problem(BlobNotFoundError, NOT_ARRIVED)


def _over(error: QuotaError) -> Problem:
    """413, or 429 where waiting helps."""
    if error.reset is not None:
        return used_up(error.budget, error.used, error.limit, error.reset, str(error))
    return exceeded(error.budget, error.used, error.limit, str(error))


def _refused(detail: str) -> Problem:
    """422 for the content of the file."""
    return INVALID_MEDIA(detail, errors=[ProblemError(f"/{FIELD}", detail)])

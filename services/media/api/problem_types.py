"""Problems that only media answers."""

from __future__ import annotations

from typing import Final

from cutlog.web import ProblemType

MEDIA_IN_USE: Final = ProblemType("media-in-use", 409, "The media is in use", "Media v_1 is used by 2 projects.")
NOT_FAILED: Final = ProblemType("not-failed", 409, "Only a failed video can be processed again", "Video v_1 is ready.")
OUT_OF_SPACE: Final = ProblemType("out-of-space", 507, "The disk is full", "The disk is full.")

UPLOAD_EXPIRED: Final = ProblemType(
    "upload-expired", 410, "The upload expired", "Upload u_1 expired at 2026-01-31 12:00:00 UTC; start it again."
)
UPLOAD_LOST: Final = ProblemType(
    "upload-lost", 410, "Received bytes were lost", "Received bytes were lost; start the upload again."
)
UPLOAD_BUSY: Final = ProblemType(
    "upload-busy", 423, "The upload is busy", "Another request is writing to this upload or ending it."
)
WRONG_OFFSET: Final = ProblemType(
    "wrong-offset", 409, "The offset does not match the length received so far",
    "The upload has 4194304 bytes, not 8388608.",
)  # fmt: skip
CHECKSUM_MISMATCH: Final = ProblemType(
    "checksum-mismatch", 460, "The checksum does not match",
    "The bytes do not match the checksum that was sent with them.",
)  # fmt: skip
TUS_VERSION: Final = ProblemType(
    "tus-version", 412, "The version of tus is not supported", "Tus-Resumable must be 1.0.0."
)

# For frontends of the old backend, whose envelope has the slug only.
UPLOAD_INVALID: Final = ProblemType("upload-invalid", 400, "The upload is invalid", "")

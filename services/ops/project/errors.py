"""Files that do not become a version."""

from __future__ import annotations

from collections.abc import Sequence

from cutlog.contract.answers.edits import Missing
from services.ops.errors import OpsError


class ImportRefusedError(OpsError):
    """The file can't be imported."""


class NothingToImportError(ImportRefusedError):
    """The file and the project are empty."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class VersionTooLargeError(ImportRefusedError):
    """The file is too large for one version."""

    def __init__(self, ops: int, size: int, limit: int) -> None:
        super().__init__(f"The file makes {ops} ops of {size} bytes; one version holds {limit} bytes.")
        self.limit = limit


class MediaMissingError(ImportRefusedError):
    """The file refers to media that are missing."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        names = ", ".join(each.name or each.id or each.sha256 for each in missing[:5])
        super().__init__(
            f"{len(missing)} media are not among the tenant's: {names}. Upload them, or choose missing=skip or color."
        )
        self.missing = missing

"""Why a command is refused. `code` is what clients branch on; the docstring's first line is the title they read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from cutlog.contract.answers.edits import Collision
from services.ops.errors import OpsError


class RefusedError(OpsError):
    """The command was refused."""

    code: ClassVar[str] = "refused"


class NotFoundError(RefusedError):
    """Not found."""

    code = "not-found"


class IdUnavailableError(RefusedError):
    """The id is not available."""

    code = "id-unavailable"

    def __init__(self) -> None:
        # One text, whoever has or had the id: it tells nobody what other tenants have.
        super().__init__("Choose another id, or send none to get a new one.")


class NotImportedError(RefusedError):
    """The project was not imported from that store."""

    code = "not-imported"


class PlanExistsError(RefusedError):
    """The run has a plan already."""

    code = "plan-exists"


class StaleVersionError(RefusedError):
    """The project has changed since."""

    code = "version-conflict"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(f"You expected version {expected}; the project is at version {current}.")
        self.expected, self.current = expected, current


class CollidedError(StaleVersionError):
    """The edit can't be put on top of what has changed since."""

    def __init__(self, expected: int, current: int, collisions: Sequence[Collision]) -> None:
        super().__init__(expected, current)
        self.collisions = collisions

    def __str__(self) -> str:
        return " ".join([f"The edit was made for version {self.expected}.", *(c.detail for c in self.collisions[:5])])


class NothingToUndoError(RefusedError):
    """There is nothing to undo or redo."""

    code = "nothing-to-undo"


class NotTranslatedError(RefusedError):
    """The ops cannot be translated."""

    code = "op-refused"


class NotRenderingError(RefusedError):
    """The export is not being rendered."""

    code = "not-rendering"


class NotReadyError(RefusedError):
    """It is not ready."""

    code = "not-ready"


class NotArchivedError(RefusedError):
    """It is not archived."""

    code = "not-archived"


class PinnedError(RefusedError):
    """It is pinned."""

    code = "pinned"


class HeldError(RefusedError):
    """Only an admin lifts a hold."""

    code = "held"


class ChangedSinceError(RefusedError):
    """It has changed since it was judged."""

    code = "changed-since"


class InUseError(RefusedError):
    """Somebody may be using the file."""

    code = "in-use"


class NotRetryableError(RefusedError):
    """The export can't be rendered again."""

    code = "not-retryable"


class NothingToExportError(RefusedError):
    """A version without frames can't be exported."""

    code = "empty-version"


class MediaInUseError(RefusedError):
    """A project's history uses the media."""

    code = "media-in-use"


class MediaGoneError(RefusedError):
    """The bytes of the media were deleted."""

    code = "media-gone"


class MediaExistsError(RefusedError):
    """The media already exists."""

    code = "media-exists"

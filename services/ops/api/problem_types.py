"""Problems that only ops answers."""

from __future__ import annotations

from typing import Final

from cutlog.contract.answers.edits import Missing, Stale
from cutlog.contract.base import Wire
from cutlog.web import ProblemType


class MediaMissing(Wire):
    """The first 200 media that the file refers to and the tenant does not have."""

    missing: tuple[Missing, ...]


class ExportsTaken(Wire):
    """The ids that are not available."""

    exports: tuple[str, ...]


ID_UNAVAILABLE: Final = ProblemType(
    "id-unavailable", 409, "The id is not available", "Choose another id, or omit it to get a new one."
)
VERSION_CONFLICT: Final = ProblemType(
    "version-conflict", 409, "The project has changed since",
    "You expected version 3; the project is at version 4.", Stale,
)  # fmt: skip
EDIT_REFUSED: Final = ProblemType(
    "edit-refused", 422, "The edit does not apply",
    "there is no clip intro; name one that is on the timeline",
)  # fmt: skip
NOT_RENDERING: Final = ProblemType("not-rendering", 409, "The export is not being rendered", "Export x_1 is ready.")
NOT_RETRYABLE: Final = ProblemType(
    "not-retryable", 409, "The export can't be rendered again", "Export x_1 is rendering."
)
PROXY_FAILED: Final = ProblemType(
    "proxy-failed", 409, "The proxy could not be rendered", "Media v_1 could not be processed."
)
EMPTY_VERSION: Final = ProblemType(
    "empty-version", 422, "The version has no frames", "Version 0 has no frames; add a clip first."
)
HELD: Final = ProblemType(
    "held", 403, "The version is on hold", "This version is on hold; only an admin can change or lift that."
)
MEDIA_IN_USE: Final = ProblemType("media-in-use", 409, "The media is in use", "Media v_1 is used by 2 projects.")
NOTHING_TO_UNDO: Final = ProblemType(
    "nothing-to-undo", 409, "There is nothing to undo or redo",
    "You have made no version of this project that is not undone.",
)  # fmt: skip
DRAFT_COMMITTED: Final = ProblemType(
    "draft-committed", 409, "The draft was committed", "What was committed stays what it is; create another draft."
)
TOO_MANY_DRAFTS: Final = ProblemType(
    "too-many-drafts", 409, "The project has too many drafts",
    "This project has 200 drafts; delete some, or wait until they expire.",
)  # fmt: skip
MEDIA_GONE: Final = ProblemType("media-gone", 409, "The media was deleted", "Media v_1 no longer exists.")
MEDIA_EXISTS: Final = ProblemType("media-exists", 409, "The media already exists", "Media v_1 already exists.")
INTERCHANGE_REFUSED: Final = ProblemType(
    "interchange-refused", 422, "The file or format can't be converted",
    "The file can't be read as otio: it is truncated.",
)  # fmt: skip
NOTHING_TO_IMPORT: Final = ProblemType(
    "nothing-to-import", 422, "The file contains nothing to import", "The file and the project are empty."
)
MEDIA_MISSING: Final = ProblemType(
    "media-missing", 422, "The file refers to missing media",
    "1 media are not among the tenant's: interview.mp4. Upload them, or choose missing=skip or color.", MediaMissing,
)  # fmt: skip

# Between services only.
NOT_IMPORTED: Final = ProblemType("not-imported", 409, "The project was not imported from that store", "")
EDITED_SINCE: Final = ProblemType("edited-since", 409, "Later work builds on the import", "")
EXPORTS_UNAVAILABLE: Final = ProblemType(
    "exports-unavailable", 409, "Ids of exports are not available",
    "Choose other ids for the exports that are named.", ExportsTaken,
)  # fmt: skip
REHEARSAL_LOST: Final = ProblemType(
    "rehearsal-lost", 409, "The dry run begins again",
    "The first pages of this dry run have been forgotten; send them again.",
)  # fmt: skip

# For frontends of the old backend, whose envelope has the slug only.
OP_REFUSED: Final = ProblemType("op-refused", 400, "The ops cannot be translated", "")
EXPORT_INVALID: Final = ProblemType("export-invalid", 400, "The export is invalid", "")
NAME_MISSING: Final = ProblemType("name-missing", 400, "The project is invalid", "Send `title` or `name`.")
RESOLUTION_INVALID: Final = ProblemType("resolution-invalid", 400, "The project is invalid", "")
FPS_INVALID: Final = ProblemType("fps-invalid", 400, "The project is invalid", "")
SETTINGS_INVALID: Final = ProblemType("settings-invalid", 400, "The project is invalid", "")
LOGIN_LINK_INVALID: Final = ProblemType(
    "login-link-invalid", 403, "The login link is not valid",
    "A login link works once, within ten minutes. Get another one with `cutlog login`.",
)  # fmt: skip
SESSION_NEEDS_TOKEN: Final = ProblemType(
    "session-needs-token", 403, "A session needs a token",
    "Send a token of `cutlog token` or of an OpenID Connect issuer; API keys and sessions make no sessions.",
)  # fmt: skip

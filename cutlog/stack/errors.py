"""What keeps a stack from starting, in the user's hands to change."""

from __future__ import annotations

from cutlog.db.migrate import MigrationsMissing
from cutlog.stack.account import AccountUnavailable
from cutlog.stack.child import ChildFailed
from cutlog.stack.deployment import DeploymentFileMissing
from cutlog.stack.leftovers import LeftoverStays
from cutlog.stack.lock import AlreadyRunning
from cutlog.stack.migrating import MigrationFailed
from cutlog.stack.passages import ClosedFolder
from cutlog.stack.ports import NoPort
from cutlog.stack.postgres import PostgresUnavailable
from cutlog.stack.secrets import EmptySecret

CANNOT_START = (
    AccountUnavailable,
    AlreadyRunning,
    ChildFailed,
    ClosedFolder,
    DeploymentFileMissing,
    EmptySecret,
    LeftoverStays,
    MigrationFailed,
    MigrationsMissing,
    NoPort,
    PostgresUnavailable,
)

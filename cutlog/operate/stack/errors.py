"""What keeps a stack from starting, in the user's hands to change."""

from __future__ import annotations

from cutlog.db.migrate import MigrationsMissing
from cutlog.operate.stack.account import AccountUnavailable
from cutlog.operate.stack.child import ChildFailed
from cutlog.operate.stack.deployment import DeploymentFileMissing
from cutlog.operate.stack.leftovers import LeftoverStays
from cutlog.operate.stack.lock import AlreadyRunning
from cutlog.operate.stack.migrating import MigrationFailed
from cutlog.operate.stack.passages import ClosedFolder
from cutlog.operate.stack.ports import NoPort
from cutlog.operate.stack.postgres import PostgresUnavailable
from cutlog.operate.stack.secrets import EmptySecret

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

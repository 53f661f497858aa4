"""The schema `gc`, as its migrations make it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

# --- derived from events; can be rebuilt ------------------------------------------------------------------------------

project = Table(
    "project",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False),
)

export = Table(
    "export",
    metadata,
    Column("export_id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("profile", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("key", Text),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text),
    Column("finished_at", DateTime(timezone=True)),
    Column("home", Text),
    Column("archive", Text),
    Column("archived_at", DateTime(timezone=True)),
    Column("frames", Integer, nullable=False),
    Column("encoded", Integer, nullable=False),
)

pin = Table(
    "pin",
    metadata,
    Column("project_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("profile", Text),
    Column("pinned", Boolean, nullable=False),
    Column("reason", Text),
    Column("expires_at", DateTime(timezone=True)),
    Column("owner", Text),
    Column("mode", Text, nullable=False),
    UniqueConstraint("project_id", "version", "profile", postgresql_nulls_not_distinct=True, name="pin_place"),
)

proxy = Table(
    "proxy",
    metadata,
    Column("project_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("rendered_at", DateTime(timezone=True), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("encoded", Integer, nullable=False),
    PrimaryKeyConstraint("project_id", "version"),
)

#: Versions that somebody gave a message.
tagged = Table(
    "tagged",
    metadata,
    Column("project_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("project_id", "version"),
)

#: `size` of the original, `derived` of all that was made from it; `touched_at` is when it was last uploaded or let go.
#: `revision`: whose set of renditions it has, since `revised_at` if it was examined more than once.
media = Table(
    "media",
    metadata,
    Column("media_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("derived", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("ref_count", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False),
    Column("touched_at", DateTime(timezone=True), nullable=False),
    Column("archived_at", DateTime(timezone=True)),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("revised_at", DateTime(timezone=True)),
)

media_use = Table(
    "media_use",
    metadata,
    Column("media_id", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    PrimaryKeyConstraint("media_id", "project_id"),
)

#: Files that an event sent on their way. Never forgotten, so that history told again moves nothing again.
move = Table(
    "move",
    metadata,
    Column("intent", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("class", Text, key="class_", nullable=False),
    Column("object_id", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("project_id", Text),
    Column("action", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text),
    Column("folder", Text),
    Column("actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("found", BigInteger),
    Column("freed", BigInteger, nullable=False, server_default="0"),
    Column("note", Text),
)

# --- the service's own word; append-only by GRANT ---------------------------------------------------------------------

policy = Table(
    "policy",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("policy", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("tenant", "version"),
)

plan = Table(
    "plan",
    metadata,
    Column("plan_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("plan_hash", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("policy", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("candidates", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("idempotency_key", Text),
    Column("fingerprint", Text, nullable=False),
    Column("erase", ARRAY(Text)),
    UniqueConstraint("tenant", "idempotency_key", name="plan_idempotency_key"),
)

plan_candidate = Table(
    "plan_candidate",
    metadata,
    Column("plan_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("candidate", JSONB, nullable=False),
    Column("object_id", Text, nullable=False),
    PrimaryKeyConstraint("plan_id", "number"),
)

run = Table(
    "run",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("plan_id", Text),
    Column("objects", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("idempotency_key", Text),
    Column("fingerprint", Text),
    UniqueConstraint("tenant", "idempotency_key", name="run_idempotency_key"),
)

run_item = Table(
    "run_item",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("position", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("run_id", "object_id"),
)

#: That an act came to its end. One without was cut short; asked again under the same key it goes on.
run_end = Table(
    "run_end",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("done", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("freed", BigInteger, nullable=False),
)

# --- what the service must remember, and may change -------------------------------------------------------------------

#: When a tenant's schedule was last due, what was calculated, and whether somebody was told.
schedule = Table(
    "schedule",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("due", DateTime(timezone=True), nullable=False),
    Column("plan_id", Text),
    Column("notified_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("retry_at", DateTime(timezone=True)),
    Column("error", Text),
)

#: Bytes at the end of an hour; `project_id` is empty for what belongs to no project alone.
storage = Table(
    "storage",
    metadata,
    Column("hour", DateTime(timezone=True), nullable=False),
    Column("tenant", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("class", Text, key="class_", nullable=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("shared", BigInteger, nullable=False),
    Column("saved", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "hour", "project_id", "class_"),
)

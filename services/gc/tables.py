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
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

# --- derived from events; can be rebuilt ------------------------------------------------------------------------------

project = Table(
    "project",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
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
    UniqueConstraint("project_id", "version", "profile", postgresql_nulls_not_distinct=True, name="pin_place"),
)

proxy = Table(
    "proxy",
    metadata,
    Column("project_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id", "version"),
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
    UniqueConstraint("tenant", "idempotency_key", name="plan_idempotency_key"),
)

plan_candidate = Table(
    "plan_candidate",
    metadata,
    Column("plan_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("candidate", JSONB, nullable=False),
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
    Column("plan_id", Text, nullable=False),
    Column("objects", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

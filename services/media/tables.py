"""The schema `media`, as its migrations make it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

#: One content of one tenant. `derive_at`: when its renditions are to be made, null when nobody has to; `derive_run`
#: numbers the attempts, so that one which was given up can't have the last word. `stored` and `key`: where the original
#: is, as the event at `stored_position` told. `revision` counts examinations, the one under way included; `examined_by`
#: is the engine of the last that ended well, `not_examined` why one that came later did not. `tidy_at`: when to remove
#: what attempts that ended left in the store, null when there is nothing. `worked`: seconds of all attempts.
video = Table(
    "video",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("ref_count", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Text),
    Column("renditions", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("derive_at", DateTime(timezone=True)),
    Column("derive_run", Integer, nullable=False),
    Column("derive_left", Integer, nullable=False),
    Column("progress", Double, nullable=False, server_default="0"),
    Column("stored", Text, nullable=False, server_default="there"),
    Column("stored_position", BigInteger, nullable=False, server_default="0"),
    Column("scrubbed_at", DateTime(timezone=True)),
    Column("rotten", ARRAY(Text), nullable=False, server_default="{}"),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("examined_by", Integer, nullable=False, server_default="0"),
    Column("not_examined", Text),
    Column("tidy_at", DateTime(timezone=True)),
    Column("worked", Double, nullable=False, server_default="0"),
)

#: Seconds of work that a tenant had lately: at `at`, fading by e in a minute.
spent = Table(
    "spent",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("seconds", Double, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

#: An upload under way. `key` is where its bytes will be, noted before they are put there.
upload = Table(
    "upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("key", Text),
    Column("lease_until", DateTime(timezone=True), nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

#: An upload that goes on after a break. `received` bytes of it are durable, where every process sees them; at the
#: end either `video_id` or `problem`, the sentence why it is not usable, is known. `lost`: they are not there any more.
resumable = Table(
    "resumable",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False, server_default="0"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("video_id", Text),
    Column("problem", Text),
    Column("lost", Boolean, nullable=False, server_default=false()),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

#: Bytes of a resumable upload that are an object of their own; only where objects are in a bucket.
resumable_part = Table(
    "resumable_part",
    metadata,
    Column("upload_id", Text, ForeignKey("resumable.id"), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("key", Text, nullable=False),
)

#: What ops refused, by the key of the command.
refusal = Table(
    "refusal",
    metadata,
    Column("key", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

#: Videos that a run brought from another store, by their ids there, with the uploads that it counted. `alias` is the id
#: of ours that follows from that one, where the video has another; the oldest counts. What else that store says of it.
brought = Table(
    "brought",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("legacy_id", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("video_id", Text, nullable=False),
    Column("refs", Integer, nullable=False),
    Column("alias", Text),
    Column("name", Text),
    Column("made_at", DateTime(timezone=True)),
    Column("metadata", JSONB(none_as_null=True)),
    Column("brought_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

#: Projects any version of which uses a video; derived from events.
use = Table(
    "use",
    metadata,
    Column("video_id", Text, primary_key=True),
    Column("project_id", Text, primary_key=True),
)

#: Which API keys uploaded a video.
uploader = Table(
    "uploader",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("video_id", Text, primary_key=True),
)

#: What a frontend of the old backend said of a video as it uploaded it first.
described = Table(
    "described",
    metadata,
    Column("video_id", Text, primary_key=True),
    Column("title", Text),
    Column("description", Text, nullable=False, server_default=""),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
)

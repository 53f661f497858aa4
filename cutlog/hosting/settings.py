"""What a service is told from outside: `CUTLOG_*` environment variables, read only by composition roots and the CLI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, SettingsConfigDict

from cutlog.auth.roles import Role
from cutlog.contract.usage import Budget

GIB = 1 << 30


Limit = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Budgets(BaseModel):
    """What one tenant may use."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    original_bytes: Limit = 4096 * GIB
    """Bytes of originals."""
    files: Limit = 1_000_000
    """Originals."""
    derived_bytes: Limit = 4096 * GIB
    """Bytes of everything that was made from originals: renditions, proxies, exports, segments."""
    log_bytes: Limit = 4 * GIB
    """Bytes of one project's events in the log."""
    batch_ops: Limit = 1000
    """Ops of one batch."""
    timeline_values: Annotated[int, Field(ge=1)] = 500_000
    """What one project's timeline may grow to. A value is about a hundred bytes of its document; a clip counts as 4, a
    keyframe as 1."""
    edit_values: Annotated[int, Field(ge=1)] = 500_000
    """What one batch of ops may write, in the same values."""
    frames_per_hour: Limit = 10_000_000
    """Frames encoded."""
    pixels_per_hour: Limit = 20_000_000_000_000
    """Pixels encoded: 10,000,000 frames of 1920 by 1080."""
    ingest_seconds_per_hour: Limit = 1_000_000
    """Seconds of video and audio processed after upload."""
    event_streams: Limit = 100
    """Event streams that one subject may have open at one process."""
    requests_per_second: Annotated[int, Field(ge=1)] = 1000
    """Requests of one subject at one process, each counted by its cost."""


_DEFAULT = Budgets()


class Renders(BaseModel):
    """Films of one tenant: how many exports may wait, and be asked for in a minute; how many films of a kind are made
    at once; its weight beside others: one of 2 has twice the turns of one of 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued: Annotated[int, Field(ge=1)] = 1000
    per_minute: Annotated[int, Field(ge=1)] = 1000
    at_once: Annotated[int, Field(ge=1)] = 8
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0


class OidcProvider(BaseModel):
    """An OpenID Connect issuer: which claims of its access tokens name tenant and role, and what its roles are here.
    `client_id` and what follows are for logging browsers in."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    issuer: Annotated[str, Field(pattern=r"^https?://\S+$")]
    audience: str
    tenant_claim: str = "tenant"
    role_claim: str = "role"
    roles: dict[str, Role]
    client_id: str | None = None
    client_secret: SecretStr | None = None
    scopes: list[str] = Field(default_factory=lambda: ["openid", "profile"])

    @field_validator("roles")
    @classmethod
    def _of_people(cls, roles: dict[str, Role]) -> dict[str, Role]:
        if Role.service in roles.values():
            raise ValueError("nobody who logs in is a service")
        return roles


class Settings(BaseSettings):
    """One service's configuration. `peers` is JSON in the environment; secrets never show in a repr."""

    model_config = SettingsConfigDict(env_prefix="CUTLOG_", frozen=True, extra="forbid")

    data: Path
    """The stack's folder: objects, and what services keep on local disk."""
    listen: str = "127.0.0.1:0"
    """HOST:PORT of this service's HTTP."""
    database_url: str = ""
    """postgresql+asyncpg://role:password@host:port/cutlog, with the role of this service."""
    nats_url: str = "nats://127.0.0.1:4222"
    """Of a server, or of several of one cluster with commas between."""
    nats_replicas: Annotated[int, Field(ge=1, le=5)] = 1
    """On how many servers of a cluster streams are kept; 3 for a cluster of three."""
    nats_seed: SecretStr = SecretStr("")
    """nkey seed of this service's NATS user."""
    credentials: Path = Path()
    """Folder with this service's own key, and the public keys that it accepts: `cutlog.auth.credentials`."""
    file_secret: SecretStr = SecretStr("")
    """Signs `/files` URLs."""
    objects_url: str = ""
    """file:///absolute/path, s3://bucket/prefix or memory://; default: `data`/objects."""
    bucket_secret: SecretStr = Field(default=SecretStr(""), validation_alias="AWS_SECRET_ACCESS_KEY")
    """Lets links of a bucket say under which name a download is saved; the store itself reads all AWS variables."""
    public_url: str = "http://127.0.0.1:8080"
    """Where users reach the gateway."""
    peers: dict[str, str] = Field(default_factory=dict)
    """Service name to base URL of its HTTP."""
    ffmpeg: Path | None = None
    """The ffmpeg binary; default: the one of the imageio-ffmpeg wheel."""
    sandbox: Literal["auto", "off"] = "auto"
    warden: str = ""
    """Name of the socket of a warden that runs as another user, and starts ffmpeg for us; else we have one of our own.
    Set by the supervisor."""
    fonts: Path | None = None
    """A folder with fonts beside the shipped ones: titles take from them what no other font has."""
    gc_webhook_url: str = ""
    """Where the collector's schedule tells of plans; nowhere if empty."""
    gc_webhook_secret: SecretStr = SecretStr("")
    """Signs what is told there."""
    scrub_days: Annotated[float, Field(ge=0)] = 30.0
    """In so many days media reads every object once, to find those that rot; 0: never."""
    max_upload_bytes: int = 20 * GIB
    min_free_bytes: int = GIB // 4
    """With less room on the disk of the objects, media is not ready."""
    budgets: dict[str, Budgets] = Field(default_factory=dict)
    """What a tenant may use, by its name; `*` is for those that are not named. JSON in the environment."""
    renders: dict[str, Renders] = Field(default_factory=dict)
    """What a tenant may have rendered, by its name; `*` is for those that are not named. JSON in the environment."""
    oidc: list[OidcProvider] = Field(default_factory=list)
    """Issuers whose access tokens are accepted: JSON in the environment of ops."""
    audit_days: Annotated[float, Field(gt=0)] = 365.0
    """For how long entries of the audit log are kept."""
    resumable_hours: float = 24.0
    """How long an unfinished resumable upload is kept after its last byte."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def budget(self, tenant: str) -> Budgets:
        """What a tenant may use."""
        return self.budgets.get(tenant) or self.budgets.get("*") or _DEFAULT

    def limit(self, tenant: str, budget: Budget) -> int:
        """The limit of one of a tenant's budgets."""
        found: int = self.budget(tenant).model_dump(by_alias=True)[budget]
        return found

    @property
    def host(self) -> str:
        """Host part of `listen`."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Port part of `listen`; 0 lets the kernel choose."""
        return int(self.listen.rpartition(":")[2])

    @property
    def objects(self) -> str:
        """`objects_url`, or the folder `objects` in `data` as a file URL."""
        return self.objects_url or (self.data.absolute() / "objects").as_uri()

"""Work for render workers, on the stream JOBS, and what they tell while they work."""

from __future__ import annotations

from typing import Literal

from cutlog.contract.base import Wire

JobKind = Literal["proxy", "export"]


class RenderJob(Wire):
    """Make what is missing of one version, then stitch. `attempt` fences: only the newest one's word counts.

    With `part` it is an invitation: to make that part of a film that another worker stitches.
    """

    job_id: str
    kind: JobKind
    tenant: str
    project_id: str
    version: int
    attempt: int
    trace: str
    export_id: str | None = None
    profile: str | None = None
    part: str | None = None


class Progress(Wire):
    """How far a render is; never stored. `fraction` is 0 to 1, `speed` in output frames per second."""

    project_id: str
    tenant: str
    kind: JobKind
    version: int
    frames_done: int
    frames_total: int
    fraction: float
    export_id: str | None = None
    speed: float | None = None
    eta_seconds: float | None = None


class ProxyAsked(Wire):
    """Asks, on `render.cmd.proxy`, for the proxy of a version that was passed over because a newer one overtook it."""

    project_id: str
    version: int
    tenant: str
    trace: str

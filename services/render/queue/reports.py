"""The last word on a job, for the log."""

from __future__ import annotations

from typing import assert_never

import msgspec

from cutlog.contract.commands import Command, Output, ReportExport, ReportProxy
from cutlog.contract.profiles import ExportProfile
from services.render.queue.jobs import Job

ACTOR = "render"


def report(job: Job, *, digest: str, output: Output | None = None, failed: str | None = None) -> Command:
    """What ops is told: a film, or the reason why there is none. Once per attempt, however often it is sent."""
    match job.kind:
        case "proxy":
            body: ReportProxy | ReportExport = ReportProxy(
                project_id=job.project_id, version=job.version, digest=digest, output=output, failed=failed
            )
        case "export":
            assert job.export_id is not None, "an export has an id"
            body = ReportExport(
                project_id=job.project_id,
                export_id=job.export_id,
                version=job.version,
                profile=msgspec.convert(job.profile, ExportProfile),
                output=output,
                failed=failed,
            )
        case _:
            assert_never(job.kind)
    key = f"render:{job.job_id}:{job.attempt}"
    return Command(key=key, tenant=job.tenant, actor=ACTOR, trace=job.trace, body=body)

"""After a run: what the services say now must be what the legacy files said. Every number is compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from cutlog.contract.keys import ProxyKey
from cutlog.operate.backfill.finding import Progress
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.numbering import top
from cutlog.operate.backfill.rows import LegacyExport, LegacyVideo
from cutlog.operate.backfill.services import Services


async def differences(index: Index, services: Services, progress: Progress, *, pin: bool) -> list[str]:
    """Sentences on what is not as it was; none when all is well. Raises Refused, Unreachable."""
    found: list[str] = []
    total = index.number("SELECT count(*) FROM project")
    for done, row in enumerate(list(index.all("SELECT id, given FROM project WHERE NOT passed ORDER BY place, id")), 1):
        async for sentence in _project(index, services, row["id"], row["given"], pin=pin):
            found.append(sentence)
        progress("comparing", done, total)
    async for sentence in _videos(index, services):
        found.append(sentence)
    return found


async def _project(index: Index, services: Services, legacy: str, given: str, *, pin: bool) -> AsyncIterator[str]:
    project = await services.client.project(given)
    expected = top(index, legacy)
    if project.current_version < expected:
        yield f"project {given} is at version {project.current_version}, not {expected}"
    seen = 0
    async for edit in services.client.edits(given, up_to=expected):
        seen += 1
        if edit.version != seen:
            yield f"project {given} has version {edit.version} where {seen} belongs"
            break
    if seen != expected:
        yield f"project {given} has {seen} versions, not {expected}"
    proxy = index.number("SELECT max(version) FROM proxy WHERE project = ? AND placed = 2", legacy)
    if (
        proxy
        and (project.latest_proxy_version or 0) <= proxy
        and project.latest_proxy_key != str(ProxyKey(given, proxy))
    ):
        yield f"the latest proxy of project {given} is {project.latest_proxy_key}, not that of version {proxy}"
    exports = {export.id: export async for export in services.client.exports(given)}
    for row in index.all("SELECT * FROM export WHERE project = ?", legacy):
        for sentence in _export(row, exports.get(row["given"]), pin=pin):
            yield sentence
    newest = index.one(
        "SELECT key, version FROM export WHERE project = ? AND status = 'ready' AND placed = 2"
        " ORDER BY version DESC LIMIT 1",
        legacy,
    )
    if (
        newest
        and (project.latest_export_version or 0) <= newest["version"]
        and project.latest_export_key != newest["key"]
    ):
        yield f"the latest export of project {given} is {project.latest_export_key}, not {newest['key']}"


def _export(row: Any, export: Any, *, pin: bool) -> list[str]:
    legacy = unpack(row["row"], LegacyExport)
    if export is None:
        return [f"export {row['given']} is not there"]
    if row["placed"] == 3:  # brought by an earlier run: what became of it here since is nobody's error
        return []
    pinned = row["status"] != "deleted" and (pin or legacy.pinned)
    wanted = {
        "version": (export.version, legacy.version), "key": (export.key, row["key"]),
        "sha256": (export.sha256, row["sha256"]), "status": (export.status, row["status"]),
        "pinned": (export.pinned or not pinned, True),
    }  # fmt: skip
    return [
        f"{name} of export {row['given']} is {is_!r}, not {was!r}" for name, (is_, was) in wanted.items() if is_ != was
    ]


async def _videos(index: Index, services: Services) -> AsyncIterator[str]:
    """Contents with the uploads of all rows of them that this run counted; others may have uploaded the same here."""
    refs: dict[str, int] = {}
    for row in index.all("SELECT taken, row FROM video WHERE counted"):
        refs[row["taken"]] = refs.get(row["taken"], 0) + unpack(row["row"], LegacyVideo).refs
    for video_id, expected in refs.items():
        video = await services.client.video(video_id)
        if video.ref_count < expected:
            yield f"video {video_id} counts {video.ref_count} uploads, not {expected}"

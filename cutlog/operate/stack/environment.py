"""The `CUTLOG_*` environment of one service: what `cutlog.hosting.settings.Settings` reads there."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.nats import USERS, Nats
from cutlog.operate.stack.secrets import Secrets


def service_environment(
    service: str,
    *,
    layout: Layout,
    secrets: Secrets,
    database_url: str,
    nats: Nats,
    listen: str,
    peers: Mapping[str, str],
    public_url: str,
    warden: str = "",
) -> dict[str, str]:
    """Everything that the service may know, and nothing of the others' secrets. `listen` is HOST:PORT, `peers` maps
    services to theirs, `warden` is the address of one that services share.
    What the user set in our own environment (CUTLOG_FFMPEG, CUTLOG_SANDBOX, …) is passed on beside it."""
    environment = {
        "CUTLOG_DATA": str(layout.data),
        "CUTLOG_LISTEN": listen,
        "CUTLOG_DATABASE_URL": database_url,
        "CUTLOG_NATS_URL": nats.url,
        "CUTLOG_CREDENTIALS": str(layout.keys / service),
        "CUTLOG_FILE_SECRET": secrets.files,
        "CUTLOG_OBJECTS_URL": layout.objects.as_uri(),
        "CUTLOG_PUBLIC_URL": public_url,
        "CUTLOG_PEERS": msgspec.json.encode({name: f"http://{address}" for name, address in peers.items()}).decode(),
        "PYTHONUNBUFFERED": "1",
    }
    if warden:
        environment["CUTLOG_WARDEN"] = warden
    if service in USERS:
        environment["CUTLOG_NATS_SEED"] = secrets.nats(service).seed
    return environment

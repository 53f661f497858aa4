"""Settings for a command that works beside a running stack, in the place of one of its services."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from cutlog.hosting.settings import Settings
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import StackState


def settings_beside(service: str, state: StackState) -> Settings:
    """What that service would be told, but for its database and its socket. Reads DATA/secrets. Raises OSError."""
    layout = Layout(Path(state.data))
    secrets = Secrets(layout.secrets)
    return Settings(
        data=layout.data,
        nats_url=state.nats_url,
        credentials=layout.keys / service,
        file_secret=SecretStr(secrets.files),
        peers={name: f"http://{address}" for name, address in state.listen.items()},
        public_url=state.public_url or state.url,
    )

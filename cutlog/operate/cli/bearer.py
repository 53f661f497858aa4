"""Tokens for people, made by who may read the secrets of a stack."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cutlog.operate.stack.layout import Layout

ASK_SECONDS = 10.0
PATIENCE = 20.0
"""Seconds for which ops may be restarting."""


class NoSecrets(Exception):
    """There are no keys to sign a token with."""


class NotAnswered(Exception):
    """The stack did not do what it was asked for."""


def bearer(data: Path, subject: str, role: str, tenant: str = "default", ttl: float = 3600) -> str:
    """A token for the stack on `data`: signed by ops, which notes it in the audit log, or here while no stack runs.
    Raises NoSecrets, EmptySecret, NotAnswered, ValueError."""
    from cutlog.auth.roles import Role
    from cutlog.auth.tokens import mint
    from cutlog.operate.stack.secrets import Secrets
    from cutlog.operate.stack.state import NotRunning

    layout = _layout(data)
    token = mint(Secrets(layout.secrets).signing, subject, Role[role], tenant, ttl)
    try:
        said = {"subject": subject, "role": role, "tenant": tenant, "ttl": int(ttl)}
        return str(ask_ops(data, "/internal/tokens", said)["token"])
    except NotRunning:
        return token


def ask_ops(data: Path, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What ops answers to the operator of a running stack. Raises NotRunning, NoSecrets, EmptySecret, NotAnswered."""
    from cutlog.auth.rings import OPERATOR
    from cutlog.auth.tokens import introduce
    from cutlog.operate.stack.secrets import Secrets
    from cutlog.operate.stack.state import read_state

    layout = _layout(data)
    address = read_state(layout.data).listen["ops"]
    deadline = time.monotonic() + PATIENCE
    while True:
        headers = {
            "Authorization": f"Bearer {introduce(Secrets(layout.secrets).ring(OPERATOR), OPERATOR)}",
            "Content-Type": "application/json",
        }
        asked = urllib.request.Request(f"http://{address}{path}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(asked, timeout=ASK_SECONDS) as answer:  # noqa: S310 - our own service
                found: dict[str, Any] = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise NotAnswered(f"ops answers {error.code}: {error.read()[:300].decode(errors='replace')}") from None
            why: Exception = error
        except OSError as error:
            why = error
        if time.monotonic() > deadline:
            raise NotAnswered(f"ops does not answer: {why}")
        time.sleep(0.2)


def _layout(data: Path) -> Layout:
    from cutlog.operate.stack.supervisor import layout_of

    layout = layout_of(data)
    try:
        if not any((layout.secrets / name).is_file() for name in ("keys.signing", "jwt")):
            raise NoSecrets(f"no stack was ever started on {layout.data}: start one with `cutlog up --data {data}`")
    except PermissionError as error:
        raise NoSecrets(f"the secrets of this stack belong to another user: {error}") from None
    return layout

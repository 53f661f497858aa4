"""Tokens for people, made by who may read the secrets of a stack."""

from __future__ import annotations

from pathlib import Path


class NoSecrets(Exception):
    """There are no keys to sign a token with."""


def bearer(data: Path, subject: str, role: str, tenant: str = "default", ttl: float = 3600) -> str:
    """A token for the stack on `data`, which does not have to be running. Raises NoSecrets, EmptySecret, ValueError."""
    from cutlog.auth.roles import Role
    from cutlog.auth.tokens import mint
    from cutlog.operate.stack.secrets import Secrets
    from cutlog.operate.stack.supervisor import layout_of

    layout = layout_of(data)
    try:
        if not any((layout.secrets / name).is_file() for name in ("keys.signing", "jwt")):
            raise NoSecrets(f"no stack was ever started on {layout.data}: start one with `cutlog up --data {data}`")
        return mint(Secrets(layout.secrets).signing, subject, Role[role], tenant, ttl)
    except PermissionError as error:
        raise NoSecrets(f"the secrets of this stack belong to another user: {error}") from None

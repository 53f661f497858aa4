"""Who may come in: the public keys for all, and for services whatever they can't verify alone."""

from __future__ import annotations

from typing import Final

from cutlog.auth.actor import CredentialForbidden, CredentialRefused
from cutlog.auth.following import Access, Presented, Recognized
from cutlog.auth.gate import OPAQUE
from cutlog.auth.rings import PublicKeys
from cutlog.contract.base import Strict
from cutlog.web import Api, Content, Reply, Request, Role
from services.ops.api.context import Ops

JWKS: Final = "application/jwk-set+json"


class After(Strict):
    """Since when revocations are asked for."""

    after: int = 0


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/.well-known/jwks.json",
        role=None,
        returns={200: Content(JWKS)},
        summary="Public keys that verify tokens",
        tag="Access",
    )
    async def keys(_: Request) -> Reply:
        """A JWK set (RFC 7517). Two keys are valid at a time; look it up again when a token names a key that is not
        in it."""
        return Reply.raw(200, ops.keys.now().jwks(), JWKS, {"Cache-Control": "public, max-age=10"})

    @api.get(
        "/internal/access",
        role=Role.service,
        query=After,
        returns={200: Access},
        summary="The accepted keys, and new revocations",
    )
    async def access(_: Request[None, After]) -> Reply:
        keys: PublicKeys = await ops.keys.newer()
        return Reply(200, Access(keys=keys.all(), revocations=[]))

    @api.post(
        "/internal/credentials",
        role=Role.service,
        body=Presented,
        returns={200: Recognized},
        summary="Whose a credential is that can't be verified alone",
    )
    async def credentials(req: Request[Presented]) -> Reply:
        if not req.body.credential.startswith(OPAQUE):
            return Reply(200, Recognized(refused="The credential is not valid."))
        try:
            return Reply(200, Recognized(actor=await ops.gate.actor(req.body.credential)))
        except CredentialForbidden as error:
            return Reply(200, Recognized(forbidden=str(error)))
        except CredentialRefused as error:
            return Reply(200, Recognized(refused=str(error)))

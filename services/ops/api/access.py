"""Who may come in: the public keys for all, and for services whatever they can't verify alone."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from cutlog.auth.actor import CredentialForbidden, CredentialRefused
from cutlog.auth.audit import Entry
from cutlog.auth.following import Access, Presented, Recognized
from cutlog.auth.rings import OPERATOR
from cutlog.auth.tokens import mint, verify
from cutlog.contract.base import Strict, Wire
from cutlog.web import Api, Content, Problem, Reply, Request, Role
from cutlog.web.dispatch import address
from cutlog.web.problems import INVALID_REQUEST
from services.ops.api.context import Ops

JWKS: Final = "application/jwk-set+json"


class Jwk(Wire):
    """A public key (RFC 7517, RFC 8037)."""

    kid: str
    x: str
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class JwkSet(Wire):
    """The accepted public keys."""

    keys: tuple[Jwk, ...]


class After(Strict):
    """Since when revocations are asked for."""

    after: int = 0


class NewToken(Strict):
    """A token to be signed. `ttl` in seconds."""

    subject: str
    role: Literal["viewer", "editor", "operator", "admin"]
    tenant: str
    ttl: Annotated[int, msgspec.Meta(ge=1)]


class MadeToken(Wire):
    """A token, and the id by which it is revoked."""

    token: str
    id: str


class NewRevocation(Strict):
    """A credential by its id; or all of a subject in its tenant that were issued until now."""

    tenant: str
    id: str | None = None
    subject: str | None = None


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/.well-known/jwks.json",
        role=None,
        returns={200: Content(JWKS, (JwkSet,))},
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
    async def access(req: Request[None, After]) -> Reply:
        keys = await ops.keys.newer()
        return Reply(200, Access(keys=keys.all(), revocations=await ops.access.revoking.since(req.query.after)))

    @api.post(
        "/internal/credentials",
        role=Role.service,
        body=Presented,
        returns={200: Recognized},
        summary="Whose a credential is that can't be verified alone",
    )
    async def credentials(req: Request[Presented]) -> Reply:
        try:
            return Reply(200, Recognized(actor=await ops.gate.actor(req.body.credential)))
        except CredentialForbidden as error:
            return Reply(200, Recognized(forbidden=str(error)))
        except CredentialRefused as error:
            return Reply(200, Recognized(refused=str(error)))

    @api.post(
        "/internal/tokens",
        role=Role.service,
        callers=(OPERATOR,),
        body=NewToken,
        returns={201: MadeToken},
        summary="Signs a token",
    )
    async def issue(req: Request[NewToken]) -> Reply:
        asked = req.body
        try:
            token = mint(ops.signing(), asked.subject, Role(asked.role), asked.tenant, asked.ttl)
        except ValueError as error:
            raise _wrong(str(error)) from None
        made = verify(await ops.keys.newer(), token)
        said = {"subject": asked.subject, "role": asked.role, "seconds": asked.ttl}
        await ops.access.audit.note(_entry(req, asked.tenant, "token.issued", made.id, **said))
        return Reply(201, MadeToken(token=token, id=made.id), {"Cache-Control": "no-store"})

    @api.post(
        "/internal/revocations",
        role=Role.service,
        callers=(OPERATOR,),
        body=NewRevocation,
        returns={204: None},
        summary="Revokes a credential, or all of a subject",
    )
    async def revoke(req: Request[NewRevocation]) -> Reply:
        asked = req.body
        if (asked.id is None) == (asked.subject is None):
            raise _wrong("name the id of a credential, or a subject")
        target, action = (asked.id, "token.revoked") if asked.id else (asked.subject, "subject.revoked")
        by = _entry(req, asked.tenant, action, target or "")
        await ops.access.revoke(by, id=asked.id, subject=asked.subject)
        return Reply.empty()


def _entry(req: Request[Any, Any], tenant: str, action: str, target: str, **detail: Any) -> Entry:
    return Entry.of(req.actor, address(req.http), action, target, in_tenant=tenant, **detail)


def _wrong(detail: str) -> Problem:
    return INVALID_REQUEST(f"{detail[:1].upper()}{detail[1:]}.")

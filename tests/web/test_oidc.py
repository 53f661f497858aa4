"""Access tokens of OpenID Connect issuers, on issuers that really answer over HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest

from cutlog.auth import oidc
from cutlog.auth.actor import (
    CredentialExpired,
    CredentialForbidden,
    CredentialRefused,
    CredentialUnknown,
)
from cutlog.auth.oidc import Issuers
from cutlog.auth.roles import Role
from cutlog.hosting.settings import OidcProvider
from tests.support.issuers import AUDIENCE, TestIssuer, issuer

ROLES = {"staff": Role.viewer, "cutters": Role.editor, "chief": Role.admin}


def provider(at: TestIssuer, **more: Any) -> OidcProvider:
    return OidcProvider(**({"issuer": at.url, "audience": AUDIENCE, "roles": ROLES} | more))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def idp() -> AsyncIterator[TestIssuer]:
    async with issuer() as made:
        made.add("k1", "ES256")
        yield made


class Clock:
    """One that is put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


async def _refused(issuers: Issuers, token: str) -> bool:
    try:
        await issuers.actor(token)
    except CredentialRefused:
        return True
    return False


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_an_issuer_is_an_actor(http: aiohttp.ClientSession, algorithm: str) -> None:
    async with issuer() as idp:
        idp.add("k1", algorithm)
        actor = await Issuers(http, [provider(idp)]).actor(idp.token("k1", role=["staff", "chief", "cutters", "x"]))
    assert (actor.subject, actor.tenant, actor.role) == (
        f"oidc:{idp.url.removeprefix('http://')}:ann",
        "acme",
        Role.admin,
    )
    assert (actor.credential, actor.expires is not None, actor.id[:2]) == ("oidc", True, "o_")
    assert idp.asked == 2, "discovery and keys"


async def test_claims_may_be_named_otherwise_and_lie_deeper(http: aiohttp.ClientSession, idp: TestIssuer) -> None:
    told = provider(idp, tenantClaim="https://x/org", roleClaim="realm_access.roles")
    deeper: Any = {"https://x/org": "studio", "realm_access": {"roles": ["cutters"]}}
    token = idp.token("k1", tenant=None, role=None, **deeper)
    actor = await Issuers(http, [told]).actor(token)
    assert (actor.tenant, actor.role) == ("studio", Role.editor)


async def test_what_is_no_good_token_is_refused(http: aiohttp.ClientSession, idp: TestIssuer) -> None:
    idp.add("k2", "RS256")
    now, issuers = int(time.time()), Issuers(http, [provider(idp)])
    async with issuer() as stranger:
        stranger.add("k1", "ES256")
        public = idp.keys["k2"].public_key().public_numbers()
        refused = {
            "of an issuer that is not configured": stranger.token("k1"),
            "of another key in its name": idp.token("k1", key=stranger.keys["k1"]),
            "of a key that is not listed": idp.token("k1").replace(".", "x.", 1),
            "for another audience": idp.token("k1", aud="other"), "for no audience": idp.token("k1", aud=None),
            "expired": idp.token("k1", exp=now - 60), "for ever": idp.token("k1", exp=None),
            "not valid yet": idp.token("k1", nbf=now + 600), "from the future": idp.token("k1", iat=now + 600),
            "of nobody": idp.token("k1", sub=None), "of two issuers": idp.token("k1", iss=idp.url + "/"),
            "HS256 with the public key": jwt.encode(
                {"iss": idp.url, "aud": AUDIENCE, "sub": "a", "exp": now + 60}, str(public.n), "HS256", {"kid": "k2"}
            ),
            "PS256, which is not one of three": idp.token("k2", algorithm="PS256"),
            "none": jwt.encode({"iss": idp.url, "aud": AUDIENCE, "sub": "a", "exp": now + 60}, "", "none"),
            "cut": idp.token("k1")[:-4], "empty": "", "long": "x" * 20_000,
        }  # fmt: skip
        for what, token in refused.items():
            assert await _refused(issuers, token), what
    with pytest.raises(CredentialExpired):
        await issuers.actor(idp.token("k1", exp=now - 60))


@pytest.mark.parametrize(
    "claims",
    [{"tenant": None}, {"tenant": "Not An Id"}, {"tenant": 7}, {"role": None}, {"role": []}, {"role": ["root"]},
     {"role": {"staff": True}}, {"sub": "x" * 250}, {"sub": "a\nb"}],
)  # fmt: skip
async def test_without_a_tenant_or_a_known_role_it_is_403(
    http: aiohttp.ClientSession, idp: TestIssuer, claims: dict[str, Any]
) -> None:
    with pytest.raises(CredentialForbidden):
        await Issuers(http, [provider(idp)]).actor(idp.token("k1", **claims))


async def test_a_new_key_is_fetched_when_it_is_met_and_unknown_ones_at_most_once_in_ten_seconds(
    http: aiohttp.ClientSession, idp: TestIssuer
) -> None:
    clock = Clock()
    issuers = Issuers(http, [provider(idp)], clock=clock)
    await issuers.actor(idp.token("k1"))
    idp.add("k2", "EdDSA")
    idp.add("k9", "ES256")
    strange = idp.token("k9")
    del idp.keys["k9"]
    for _ in range(5):
        with pytest.raises(CredentialRefused):
            await issuers.actor(strange)
    assert idp.asked == 2, "it was asked less than ten seconds ago"
    clock.ahead = 11
    assert (await issuers.actor(idp.token("k2"))).tenant == "acme"
    assert idp.asked == 4
    with pytest.raises(CredentialRefused):
        await issuers.actor(strange)
    assert idp.asked == 4


async def test_an_issuer_that_is_down_or_slow_keeps_nobody_out_whose_key_is_known(
    http: aiohttp.ClientSession, idp: TestIssuer
) -> None:
    clock = Clock()
    async with issuer() as other:
        other.add("k1", "EdDSA")
        issuers = Issuers(http, [provider(idp), provider(other)], clock=clock, seconds=0.3)
        idp.down = True
        with pytest.raises(CredentialUnknown):
            await issuers.actor(idp.token("k1"))
        assert (await issuers.actor(other.token("k1"))).tenant == "acme", "one issuer does not hold up another"
        clock.ahead = 11
        idp.down = False
        known = idp.token("k1")
        await issuers.actor(known)
        idp.slow = True
        clock.ahead = oidc.FRESH_SECONDS + 20
        assert (await issuers.actor(known)).tenant == "acme", "the old keys are good enough meanwhile"
        clock.ahead = oidc.STALE_SECONDS + 60
        with pytest.raises(CredentialUnknown):
            await issuers.actor(known)


async def test_an_issuer_that_says_it_is_another_is_not_believed(http: aiohttp.ClientSession, idp: TestIssuer) -> None:
    async with issuer() as liar:
        liar.add("k1", "ES256")
        liar.url, real = idp.url, liar.url
        told = OidcProvider(issuer=real, audience=AUDIENCE, roles=ROLES)
        with pytest.raises(CredentialUnknown):
            await Issuers(http, [told]).actor(liar.token("k1", iss=real))


def test_a_provider_is_read_as_the_contract_writes_it() -> None:
    told = OidcProvider.model_validate_json(
        '{"issuer": "https://idp", "audience": "a", "tenantClaim": "t", "roleClaim": "r", "roles": {"x": "admin"},'
        ' "clientId": "c", "clientSecret": "s", "scopes": ["openid"]}'
    )
    assert (told.tenant_claim, told.roles, told.client_id) == ("t", {"x": Role.admin}, "c")
    for wrong in ('{"issuer": "idp"}', '{"issuer": "https://idp", "audience": "a", "roles": {"x": "service"}}'):
        with pytest.raises(ValueError):
            OidcProvider.model_validate_json(wrong)

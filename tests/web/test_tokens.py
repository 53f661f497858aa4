"""Who gets in, and where."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import jwt
import pytest

from cutlog.auth.rings import KeyRing, KeysUnreadable, PublicKeys
from cutlog.auth.tokens import KeyUnknown, TokenRefused, key_id, sign
from cutlog.web import Api, Reply, Request, Role, mint, verify
from tests.support.gates import PUBLIC, RING, SERVICE, SERVICE_RING
from tests.web.exchanges import problem
from tests.web.sample import bearer

ITEMS = "/api/items"


def forged(ring: KeyRing = RING, header: Any = None, **claims: Any) -> str:
    now = int(time.time())
    whole: dict[str, Any] = {
        "aud": "cutlog", "sub": "ann", "tenant": "default", "role": "admin", "iat": now, "exp": now + 60, "jti": "t_1",
    }  # fmt: skip
    return sign(ring, {k: v for k, v in (whole | claims).items() if v is not None}, **(header or {}))


def old(secret: str = "x" * 64, algorithm: str = "HS256") -> str:
    """A token as releases of before made them, or with another algorithm of shared secrets."""
    now = int(time.time())
    claims = {"aud": "cutlog", "sub": "ann", "tenant": "default", "role": "admin", "iat": now, "exp": now + 60}
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": RING.newest.public().kid})


async def test_without_a_token_it_is_a_401_with_a_challenge(client: aiohttp.ClientSession) -> None:
    async with client.get(ITEMS) as response:
        assert (await problem(response))["status"] == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "Bearer x", "Bearer a.b.c", "Bearer é"]
)
async def test_what_is_no_token_is_a_401(client: aiohttp.ClientSession, header: str) -> None:
    async with client.get(ITEMS, headers={"Authorization": header}) as response:
        assert (await problem(response))["status"] == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forged(KeyRing.new()), id="another key"),
        pytest.param(forged(KeyRing.new(), {"kid": RING.newest.public().kid}), id="another key in our name"),
        pytest.param(forged(SERVICE_RING), id="the key of a service"),
        pytest.param(forged(SERVICE_RING, sub=SERVICE), id="the key of a service in its own name"),
        pytest.param(forged(SERVICE_RING, sub="render", role="service"), id="the key of one service for another"),
        pytest.param(forged(sub=SERVICE, role="service"), id="a service with the key for people"),
        pytest.param(forged(header={"alg": "none"}), id="no signature"),
        pytest.param(forged(header={"alg": "HS512"}), id="another algorithm"),
        pytest.param(forged(header={"kid": None}), id="no kid"),
        pytest.param(forged(header={"kid": ["x"]}), id="kids"),
        pytest.param(forged(header={"crit": ["exp"]}), id="an extension"),
        pytest.param(old(), id="HS256"),
        pytest.param(old(RING.newest.public().x), id="HS256 with our public key as its secret"),
        pytest.param(old(algorithm="HS512"), id="HS512"),
        pytest.param(forged(jti=None), id="one that can't be revoked"),
        pytest.param(forged(jti="x" * 100), id="a long id"),
        pytest.param(forged(iat=True), id="a time that is none"),
        pytest.param(forged(exp=1e300), id="for an eternity"),
        pytest.param(forged(exp=int(time.time()) + 400 * 86400), id="for longer than a revocation is kept"),
        pytest.param(forged(exp=int(time.time()) - 60), id="expired"),
        pytest.param(forged(exp=None), id="for ever"),
        pytest.param(forged(iat=int(time.time()) + 600), id="from the future"),
        pytest.param(forged(iat=None), id="of no time"),
        pytest.param(forged(role="root"), id="an unknown role"),
        pytest.param(forged(role=None), id="no role"),
        pytest.param(forged(role=["admin"]), id="roles"),
        pytest.param(forged(aud=None), id="for no audience"),
        pytest.param(forged(aud="another service"), id="for another audience"),
        pytest.param(forged(aud=7), id="for a number"),
        pytest.param(forged(tenant=None), id="of no tenant"),
        pytest.param(forged(sub=None), id="nobody"),
        pytest.param(forged(sub=""), id="an empty name"),
        pytest.param(forged(sub="a\nb"), id="two lines of a log"),
        pytest.param(forged(sub="x" * 300), id="a long name"),
        pytest.param(forged(tenant="../other"), id="a tenant that is a path"),
        pytest.param(forged(tenant=7), id="a tenant that is a number"),
        pytest.param(forged() + "x", id="a changed signature"),
        pytest.param("x" * 10_000, id="a long text"),
    ],
)
async def test_a_token_that_is_not_ours_is_a_401(client: aiohttp.ClientSession, token: str) -> None:
    if len(token) < 8_000:
        async with client.get(ITEMS, headers={"Authorization": f"Bearer {token}"}) as response:
            assert (await problem(response))["status"] == 401
    with pytest.raises(TokenRefused):
        verify(PUBLIC, token)


def test_a_token_that_was_good_expires() -> None:
    """Some seconds later than it says, since clocks differ."""
    assert verify(PUBLIC, mint(RING, "ann", Role.viewer, ttl=-1)).subject == "ann"
    with pytest.raises(TokenRefused, match="expired"):
        verify(PUBLIC, mint(RING, "ann", Role.viewer, ttl=-6))


def test_a_refusal_names_the_claim_that_is_missing_or_wrong() -> None:
    for claim in ("aud", "tenant"):
        with pytest.raises(TokenRefused, match=f"no claim '{claim}'"):
            verify(PUBLIC, forged(**{claim: None}))  # type: ignore[arg-type]
    with pytest.raises(TokenRefused, match="audience is not 'cutlog'"):
        verify(PUBLIC, forged(aud="another service"))


def test_a_token_of_an_earlier_release_says_what_to_do() -> None:
    with pytest.raises(TokenRefused, match=r"HS256.*`cutlog token`"):
        verify(PUBLIC, old())


def test_two_keys_are_accepted_at_a_time() -> None:
    first = KeyRing.new()
    second = first.rotated()
    third = second.rotated()
    tokens = [mint(ring, "ann", Role.viewer) for ring in (first, second, third)]
    assert len({key_id(token) for token in tokens}) == 3
    now = PublicKeys(third.public())
    assert [verify(now, token).subject for token in tokens[1:]] == ["ann", "ann"]
    with pytest.raises(KeyUnknown):
        verify(now, tokens[0])


def test_a_jwk_set_is_read_by_others_and_back() -> None:
    keys = jwt.PyJWKSet.from_json(PUBLIC.jwks().decode()).keys
    claims = jwt.decode(mint(RING, "ann", Role.viewer), keys[0], algorithms=["EdDSA"], audience="cutlog")
    assert (len(keys), claims["sub"]) == (1, "ann")
    assert PublicKeys.read(PUBLIC.jwks(services=True)) == PUBLIC
    for wrong in (b"", b"{}", b'{"keys":[{"kid":"a","x":"AA"}]}', b'{"keys":[{"kid":"a","x":"AA","kty":"RSA"}]}'):
        with pytest.raises(KeysUnreadable):
            PublicKeys.read(wrong)


def test_what_is_minted_is_verified() -> None:
    actor = verify(PUBLIC, mint(RING, "ann@example.org", Role.operator, "acme", 60))
    assert (actor.subject, actor.tenant, actor.role) == ("ann@example.org", "acme", Role.operator)


@pytest.mark.parametrize(("subject", "tenant"), [("", "default"), ("ann", "Not An Id"), ("a\0b", "default")])
def test_nothing_is_minted_that_would_be_refused(subject: str, tenant: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        mint(RING, subject, Role.viewer, tenant)


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        (Role.viewer, (200, 403, 403, 403, 403)),
        (Role.editor, (200, 202, 403, 403, 403)),
        (Role.operator, (200, 202, 200, 403, 403)),
        (Role.admin, (200, 202, 200, 204, 403)),
        (Role.service, (403, 403, 403, 403, 200)),
    ],
)
async def test_each_role_may_do_its_own_and_what_lesser_ones_may(
    client: aiohttp.ClientSession, role: Role, statuses: tuple[int, ...]
) -> None:
    requests = [
        ("GET", ITEMS),
        ("POST", "/api/projects/p_1/export"),
        ("POST", "/api/projects/p_1/pin"),
        ("DELETE", "/api/items/i_1"),
        ("GET", "/internal/items"),
    ]
    answers = []
    for method, path in requests:
        async with client.request(method, path, headers=bearer(role)) as response:
            answers.append(response.status)
    assert tuple(answers) == statuses


async def test_a_403_says_which_role_is_needed(client: aiohttp.ClientSession) -> None:
    async with client.delete("/api/items/i_1", headers=bearer(Role.editor)) as response:
        assert "admin" in (await problem(response))["detail"]


async def test_a_token_in_the_query_opens_event_streams_only(client: aiohttp.ClientSession) -> None:
    token = mint(RING, "ann", Role.viewer)
    async with client.get(f"{ITEMS}?access_token={token}") as response:
        assert response.status == 401
    async with client.get(f"/api/projects/p_1/events?access_token={token}") as response:
        assert response.status == 200


def test_a_service_route_outside_of_internal_cannot_be_made() -> None:
    api = Api("wrong")

    async def nothing(_: Request) -> Reply:
        return Reply.empty()

    with pytest.raises(ValueError, match="internal"):
        api.get("/api/secrets", role=Role.service, returns={200: None}, summary="No")(nothing)
    with pytest.raises(ValueError, match="internal"):
        api.get("/internal/secrets", role=Role.admin, returns={200: None}, summary="No")(nothing)

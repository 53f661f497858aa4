"""API keys, revocations and the audit log, as admins, key holders and other services see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import jwt
import pytest

from cutlog.auth.actor import CredentialForbidden, CredentialRefused
from cutlog.auth.credentials import FileKeys, Identity
from cutlog.auth.following import Following, IdentityRefused
from cutlog.auth.gate import Gate
from cutlog.auth.revocations import Revocation
from cutlog.auth.rings import KeyRing
from cutlog.auth.roles import Role
from cutlog.auth.tokens import introduce
from cutlog.contract.commands import RecordAudit, RecordMediaDeduplicated
from cutlog.contract.events import MediaDeduplicated
from cutlog.hosting.settings import OidcProvider, Settings
from services.ops.bootstrap import serving
from tests.ops.conftest import Client
from tests.support.configuration import SettingsFactory
from tests.support.issuers import AUDIENCE, issuer
from tests.support.waiting import PATIENCE, eventually

As = Callable[..., Client]


async def made_key(admin: Client, **asked: Any) -> tuple[dict[str, Any], Client]:
    """A new key, and a client with it."""
    body = {"name": "studio", "role": "editor"} | asked
    found = await admin.made("POST", "/api/keys", body)
    return found, Client(admin.session, admin.url, found["key"])


async def test_a_key_is_shown_once_and_works_until_it_is_deleted(
    as_role: As, settings: Settings, settings_for: SettingsFactory
) -> None:
    admin = as_role("admin")
    key, client = await made_key(admin)
    assert key["key"].startswith("ck_")
    project = await client.made("POST", "/api/projects", {"name": "By key"})
    assert (await client("DELETE", f"/api/projects/{project['id']}")).status in (204, 403)
    listed = (await admin.made("GET", "/api/keys"))["items"]
    assert [(each["id"], each["name"], "key" in each) for each in listed] == [(key["id"], "studio", False)]
    assert listed[0]["lastUsedAt"] is not None
    connection = await asyncpg.connect(settings_for.owner_url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch("SELECT * FROM ops.api_key")
    finally:
        await connection.close()
    assert key["key"] not in str(rows) and key["key"][3:] not in str(rows)
    assert (await admin("DELETE", f"/api/keys/{key['id']}")).status == 204
    assert (await client("GET", "/api/projects")).status == 401
    assert (await admin("DELETE", f"/api/keys/{key['id']}")).status == 404
    assert (await admin.made("GET", "/api/keys"))["items"] == []
    actions = [entry["action"] for entry in (await admin.made("GET", "/api/admin/audit?action=key"))["items"]]
    assert actions == ["key.deleted", "key.created"]


async def test_what_a_key_may_not_be(as_role: As) -> None:
    admin = as_role("admin")
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for wrong, pointer in (
        ({"role": "service"}, "/role"), ({"name": ""}, "/name"), ({"expiresAt": past}, "/expiresAt"),
        ({"expiresAt": "2099-01-01T00:00:00"}, "/expiresAt"), ({"projects": []}, "/projects"),
        ({"projects": ["p_none"]}, "/projects/0"), ({"hash": "x"}, "/hash"),
    ):  # fmt: skip
        answer = await admin("POST", "/api/keys", {"name": "k", "role": "viewer"} | wrong)
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer), answer
    for role in ("viewer", "editor", "operator"):
        assert (await as_role(role)("POST", "/api/keys", {"name": "k", "role": "viewer"})).status == 403
    _, keyed = await made_key(admin, role="admin")
    assert (await keyed("POST", "/api/keys", {"name": "k", "role": "viewer"})).status == 403, "a key makes no keys"
    _, viewer = await made_key(admin, role="viewer")
    assert (await viewer("POST", "/api/projects", {"name": "x"})).status == 403
    assert (await Client(admin.session, admin.url, "ck_" + "x" * 43)("GET", "/api/projects")).status == 401
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    _, short = await made_key(admin, expiresAt=soon)
    await eventually(lambda: _is(short, 401))


async def _is(client: Client, status: int) -> bool:
    return (await client("GET", "/api/projects")).status == status


async def test_the_same_idempotency_key_makes_no_second_key_and_shows_no_secret_again(as_role: As) -> None:
    admin, other = as_role("admin"), as_role("admin", tenant="acme")
    asked = {"name": "k", "role": "viewer"}
    assert (await admin("POST", "/api/keys", asked, key="once")).status == 201
    again = await admin("POST", "/api/keys", asked, key="once")
    assert (again.status, again.body["type"]) == (409, "/problems/idempotency-key-used")
    assert (await other("POST", "/api/keys", asked, key="once")).status == 201
    assert len((await admin.made("GET", "/api/keys"))["items"]) == 1


async def test_a_key_with_projects_sees_these_and_every_other_route_is_403(as_role: As, editor: Client) -> None:
    mine, other = [(await editor.made("POST", "/api/projects", {"name": name}))["id"] for name in ("mine", "other")]
    await editor.edit(mine, {"op": "track.add", "track": "v", "kind": "video"})
    _, key = await made_key(as_role("admin"), projects=[mine], role="admin")
    assert [each["id"] for each in (await key.made("GET", "/api/projects"))["items"]] == [mine]
    assert (await key.edit(mine, {"op": "track.add", "track": "w", "kind": "video"}))["version"] == 2
    assert (await key("GET", f"/api/projects/{mine}/timeline")).status == 200
    for path in (f"/api/projects/{other}", f"/api/projects/{other}/timeline", f"/api/projects/{other}/ops"):
        assert (await key("GET", path)).status == 404, path
    for method, path in (
        ("POST", "/api/projects"), ("POST", f"/api/projects/{mine}/fork"), ("GET", "/api/keys"),
        ("GET", "/api/admin/audit"), ("POST", "/api/keys"),
    ):  # fmt: skip
        assert (await key(method, path, {} if method == "POST" else None)).status == 403, path


async def test_a_key_with_projects_brings_in_only_media_that_it_sees(
    as_role: As, editor: Client, media: Callable[..., Any], ask: Callable[..., Any]
) -> None:
    for name in ("m1", "m2", "m3"):
        await media(name, sha256=name * 32)
    mine, other = [(await editor.made("POST", "/api/projects", {"name": name}))["id"] for name in ("mine", "other")]

    def clip(number: int, name: str) -> dict[str, Any]:
        place = {"track": "v", "at": 10 * number, "in": 0, "out": 10}
        return {"op": "clip.add", "clip": f"c{number}", "media": name} | place

    track = {"op": "track.add", "track": "v", "kind": "video"}
    await editor.edit(mine, track, clip(0, "m1"))
    await editor.edit(other, track, clip(0, "m2"))
    key, client = await made_key(as_role("admin"), projects=[mine])
    assert (await client.edit(mine, clip(1, "m1")))["version"] == 2
    refused = await client("POST", f"/api/projects/{mine}/ops", {"ops": [clip(2, "m1"), clip(3, "m2")]})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/ops/1")
    assert (await client("POST", f"/api/projects/{mine}/ops", {"ops": [clip(3, "m3")]})).status == 422
    again = RecordMediaDeduplicated(media_id="m3", event=MediaDeduplicated(name="x.mov", ref_count=2))
    await ask("media", again, "d1", actor=f"key:{key['id']}")
    assert (await client.edit(mine, clip(3, "m3")))["version"] == 3, "its own upload"
    path = f"/api/projects/{mine}/timeline?format=otio&mode=append"
    own, foreign = [
        await editor.made("GET", f"/api/projects/{project}/timeline?format=otio") for project in (mine, other)
    ]
    missing = await client("POST", path, foreign)
    assert (missing.status, missing.body["type"]) == (422, "/problems/media-missing"), "as if nobody had it"
    assert (await editor("POST", path, foreign)).status == 201
    assert (await client("POST", path, own)).status == 201


async def test_tokens_are_revoked_by_id_and_by_subject(
    as_role: As, ops: str, settings_for: SettingsFactory, editor: Client
) -> None:
    operator = Client(editor.session, ops, settings_for.token("service"))
    ann, same, ben = (
        as_role("editor", subject="ann"),
        as_role("editor", subject="ann"),
        as_role("editor", subject="ben"),
    )
    jti = jwt.decode(ann.token, options={"verify_signature": False})["jti"]
    assert (await operator("POST", "/internal/revocations", {"tenant": "default", "id": jti})).status == 204
    assert [(await each("GET", "/api/projects")).status for each in (ann, same, ben)] == [401, 200, 200]
    assert (await ann("GET", "/api/projects")).body["detail"] == "The credential was revoked."
    assert (await operator("POST", "/internal/revocations", {"tenant": "acme", "subject": "ann"})).status == 204
    assert (await same("GET", "/api/projects")).status == 200, "of another tenant"
    assert (await operator("POST", "/internal/revocations", {"tenant": "default", "subject": "ann"})).status == 204
    assert [(await each("GET", "/api/projects")).status for each in (same, ben)] == [401, 200]
    assert (await as_role("editor", subject="ann")("GET", "/api/projects")).status == 200, "issued afterwards"
    for wrong in ({"tenant": "default"}, {"tenant": "default", "id": "x", "subject": "y"}):
        assert (await operator("POST", "/internal/revocations", wrong)).status == 422


async def test_what_a_revoked_credential_opened_ends(as_role: As, editor: Client) -> None:
    project = (await editor.made("POST", "/api/projects", {"name": "Followed"}))["id"]
    admin = as_role("admin")
    key, client = await made_key(admin, role="viewer")
    headers = {"Authorization": f"Bearer {client.token}"}
    url = f"{client.url}/api/projects/{project}/events"
    async with (
        client.session.get(url, headers=headers) as stream,
        editor.session.get(url, headers={"Authorization": f"Bearer {editor.token}"}) as kept,
    ):
        assert (stream.status, kept.status) == (200, 200)
        await admin("DELETE", f"/api/keys/{key['id']}")
        async with asyncio.timeout(PATIENCE):
            await stream.content.read()
        assert not kept.content.at_eof()


async def test_other_services_learn_keys_and_revocations_and_ask_whose_a_key_is(
    as_role: As, ops: str, settings_for: SettingsFactory, editor: Client
) -> None:
    folder = settings_for("media").credentials
    followed = Following(editor.session, ops, Identity.of("media", folder), FileKeys(folder))
    admin = as_role("admin")
    key, client = await made_key(admin, projects=None)
    actor = await followed.gate.actor(client.token)
    assert (actor.subject, actor.tenant, actor.role.value, actor.credential) == (
        f"key:{key['id']}", "default", "editor", "key",
    )  # fmt: skip
    with pytest.raises(CredentialRefused):
        await followed.gate.actor("ck_unknown")
    stop = asyncio.Event()
    running = asyncio.create_task(followed.run(stop))
    await admin("DELETE", f"/api/keys/{key['id']}")
    followed.wake()

    async def refused() -> bool:
        try:
            await followed.gate.actor(client.token)
        except CredentialRefused:
            return True
        return False

    await eventually(refused)
    await followed.check()
    stop.set()
    followed.wake()
    await running


async def test_an_identity_that_ops_does_not_accept_is_told_by_health(
    ops: str, settings_for: SettingsFactory, editor: Client
) -> None:
    stranger = Identity("media", KeyRing.new)
    followed = Following(editor.session, ops, stranger, FileKeys(settings_for("media").credentials))
    await followed.newer()
    with pytest.raises(IdentityRefused):
        await followed.check()


async def test_an_internal_route_is_for_its_callers(ops: str, settings_for: SettingsFactory, editor: Client) -> None:
    def of(service: str) -> dict[str, str]:
        ring = KeyRing.read((settings_for(service).credentials / "identity.json").read_bytes())
        return {"Authorization": f"Bearer {introduce(ring, service)}"}

    timeline = f"{ops}/internal/projects/p_1/versions/1/timeline"
    for url, callers in ((timeline, {"render"}), (f"{ops}/internal/tokens", set())):
        for service in ("media", "render", "gc"):
            method = "GET" if url == timeline else "POST"
            async with editor.session.request(method, url, headers=of(service), json=None) as answer:
                assert (answer.status != 403) == (service in callers), (url, service)


async def test_the_audit_log_is_filtered_and_paged_and_forgotten(as_role: As, settings_for: SettingsFactory) -> None:
    admin = as_role("admin")
    ids = [(await made_key(admin, name=f"k{number}"))[0]["id"] for number in range(3)]
    await admin("DELETE", f"/api/keys/{ids[0]}")
    first = await admin.made("GET", "/api/admin/audit?limit=3")
    rest = await admin.made("GET", f"/api/admin/audit?limit=3&cursor={first['next']}")
    entries = first["items"] + rest["items"]
    assert [each["action"] for each in entries] == ["key.deleted", *["key.created"] * 3]
    assert [each["target"] for each in entries] == [ids[0], *reversed(ids)]
    assert {(each["subject"], each["address"]) for each in entries} == {("tester", "127.0.0.1")}
    assert entries[1]["detail"] == {"name": "k2", "role": "editor", "projects": None}
    for query, count in (
        ("action=key.deleted", 1), ("action=key", 4), ("action=ke", 0), ("subject=ann", 0), ("subject=tester", 4),
        ("since=2099-01-01T00:00:00Z", 0), ("until=2099-01-01T00:00:00Z", 4),
    ):  # fmt: skip
        assert len((await admin.made("GET", f"/api/admin/audit?{query}"))["items"]) == count, query
    assert (await as_role("admin", tenant="acme").made("GET", "/api/admin/audit"))["items"] == []
    assert (await as_role("operator")("GET", "/api/admin/audit")).status == 403


async def test_entries_of_other_services_are_kept_once_and_pins_are_noted(
    as_role: As, ask: Callable[..., Any], editor: Client
) -> None:
    body = RecordAudit(
        action="original.downloaded", target="videos/v_1/download", credential="token t_1", address="10.0.0.1",
        detail={"note": "a\0b"}, at=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    for _ in range(2):
        assert (await ask("media", body, "audit_1")).accepted
    project = (await editor.made("POST", "/api/projects", {"name": "Pinned"}))["id"]
    await editor.edit(project, {"op": "track.add", "track": "v", "kind": "video"})
    await editor.made("POST", f"/api/projects/{project}/versions/1/pin", {"pinned": True, "reason": "client"})
    assert (await editor("POST", f"/api/projects/{project}/versions/9/pin", {"pinned": True})).status == 404
    entries = (await as_role("admin").made("GET", "/api/admin/audit"))["items"]
    assert [(each["action"], each["subject"], each["target"]) for each in entries] == [
        ("pin.changed", "tester", f"projects/{project}/versions/1/pin"),
        ("original.downloaded", "service:media", "videos/v_1/download"),
    ]
    assert (entries[0]["detail"]["reason"], entries[1]["detail"]) == ("client", {"note": "a\ufffdb"})
    assert entries[1]["at"] == "2026-01-02T00:00:00Z"


def test_a_gate_tells_of_new_revocations_once() -> None:
    gate, told = Gate(None), []  # type: ignore[arg-type]
    gate.on_revoked(lambda: told.append(gate.revocations.position))
    for position in (1, 1, 2):
        gate.revoke([Revocation(position=position, until=0, id="t_1")])
    assert told == [1, 2]


async def test_ops_knows_whose_a_token_of_an_issuer_is_and_others_ask_it(
    settings: Settings, settings_for: SettingsFactory
) -> None:
    async with issuer() as idp, aiohttp.ClientSession() as session:
        idp.add("k1", "ES256")
        told = OidcProvider(issuer=idp.url, audience=AUDIENCE, roles={"cutters": Role.editor})
        async with serving(settings.model_copy(update={"oidc": [told]})) as server:
            ann = Client(session, server.url, idp.token("k1", role="cutters"))
            project = await ann.made("POST", "/api/projects", {"name": "Of an issuer"})
            other = Client(session, server.url, settings_for.token("admin"))
            assert (await other("GET", f"/api/projects/{project['id']}")).status == 404, "of tenant acme"
            for wrong, status in (({"role": "root"}, 403), ({"tenant": None}, 403), ({"aud": "x"}, 401)):
                refused = Client(session, server.url, idp.token("k1", **wrong))
                assert (await refused("GET", "/api/projects")).status == status
            folder = settings_for("media").credentials
            followed = Following(session, server.url, Identity.of("media", folder), FileKeys(folder))
            assert (await followed.gate.actor(ann.token)).tenant == "acme"
            with pytest.raises(CredentialForbidden):
                await followed.gate.actor(idp.token("k1", role="root"))

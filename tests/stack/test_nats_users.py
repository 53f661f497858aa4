"""What each NATS user may do: its own work, and nothing of another's. The tables here are the specification; a real
server is asked for every user, every subject of the JetStream API, and publishing and subscribing alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import nats as nats_py
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from cutlog.bus import Bus, BusError
from cutlog.bus.micro import micro
from cutlog.bus.provision import Provide, own_consumer, provide
from cutlog.operate.stack.nats import MONITOR, OPERATOR, USERS, binary
from tests.support.messaging import NatsServer
from tests.support.provision import provider
from tests.support.streams import operator
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="one more server of NATS")

SERVICES: Final = ("ops", "media", "render", "gc")
CONFINED: Final = tuple(user for user in USERS if user != OPERATOR)
STREAMS: Final = ("EVENTS", "JOBS", "DLQ", "OTHER")
CONSUMERS: Final = ("ops", "media", "render", "gc", "render-proxy", "render-export", "other")

API: Final = (
    "INFO", "ACCOUNT.PURGE.a", "ACCOUNT.STREAM.MOVE.a.S", "ACCOUNT.STREAM.CANCEL_MOVE.a.S", "META.LEADER.STEPDOWN",
    "META.RESCUE", "SERVER.REMOVE", "SERVER.EVACUATE", "SERVER.STREAM.MOVE.a.S", "STREAM.NAMES", "STREAM.LIST",
    "STREAM.INFO.S", "STREAM.CREATE.S", "STREAM.UPDATE.S", "STREAM.DELETE.S", "STREAM.PURGE.S", "STREAM.SNAPSHOT.S",
    "STREAM.RESTORE.S", "STREAM.MSG.GET.S", "STREAM.MSG.DELETE.S", "STREAM.LEADER.STEPDOWN.S",
    "STREAM.PEER.REMOVE.S", "STREAM.PEER.EVACUATE.S", "STREAM.CANCEL_MOVE.S", "STREAM.TEMPLATE.CREATE.S",
    "DIRECT.GET.S", "DIRECT.GET.S.evt.project.p_1.VersionCommitted", "CONSUMER.NAMES.S", "CONSUMER.LIST.S",
    "CONSUMER.CREATE.S", "CONSUMER.CREATE.S.C", "CONSUMER.CREATE.S.C.evt.>", "CONSUMER.DURABLE.CREATE.S.C",
    "CONSUMER.INFO.S.C", "CONSUMER.DELETE.S.C", "CONSUMER.PAUSE.S.C", "CONSUMER.RESET.S.C", "CONSUMER.UNPIN.S.C",
    "CONSUMER.MSG.NEXT.S.C", "CONSUMER.LEADER.STEPDOWN.S.C", "CONSUMER.PEER.REMOVE.S.C",
    "CONSUMER.PEER.EVACUATE.S.C",
)  # fmt: skip
"""All subjects of the API, after `$JS.API.`, for a stream S and a consumer C."""

BESIDES: Final = (
    "$JS.ACK.S.C.1.1.1.1.0", "$JS.ACK.hub.account.S.C.1.1.1.1.0.token", "$JS.FC.S.C.x", "$JS.SNAPSHOT.ACK.S.x",
    "$JS.SNAPSHOT.RESTORE.S.x", "$JS.EVENT.ADVISORY.STREAM.UPDATED.S",
)  # fmt: skip
"""What else belongs to JetStream."""

OWN: Final = {
    ("EVENTS", "media"): "media",
    ("EVENTS", "render"): "render",
    ("EVENTS", "gc"): "gc",
    ("JOBS", "render-proxy"): "render",
    ("JOBS", "render-export"): "render",
}
"""Who works with which consumer."""

MAY_USE: Final[Mapping[str, set[str]]] = {
    **{f"$JS.API.STREAM.INFO.{stream}": {"ops", "render"} for stream in ("JOBS", "DLQ")},
    "$JS.API.STREAM.INFO.EVENTS": {"ops", "media", "render", "gc"},
    **{f"$JS.API.STREAM.{act}.{stream}": {"ops"} for act in ("CREATE", "UPDATE") for stream in STREAMS[:3]},
    "$JS.API.STREAM.DELETE.EVENTS": {"ops"},
    "$JS.API.STREAM.MSG.GET.EVENTS": {"ops"},
    **{f"$JS.API.CONSUMER.CREATE.{stream}.{consumer}": {"ops"} for stream, consumer in OWN},
    **{f"$JS.API.CONSUMER.INFO.{stream}.{consumer}": {"ops", user} for (stream, consumer), user in OWN.items()},
    **{f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}": {user} for (stream, consumer), user in OWN.items()},
    **{f"$JS.ACK.{stream}.{consumer}.1.1.1.1.0": {user} for (stream, consumer), user in OWN.items()},
    **{f"$JS.ACK.hub.account.{stream}.{consumer}.1.1.1.1.0.token": {user} for (stream, consumer), user in OWN.items()},
}
"""Who may publish on a subject of JetStream; on one that is not here, the operator alone."""

MAY_PUBLISH: Final[Mapping[str, set[str]]] = {
    "evt.project.p_1.VersionCommitted": {"ops"},
    "evt.gc.run_1.PlanCalculated": {"ops"},
    "replay.mine.evt.project.p_1.VersionCommitted": {"ops"},
    "ops.appended": {"ops"},
    "access.changed": {"ops"},
    "ops.cmd.media.RegisterMedia": {"media"},
    "ops.cmd.render.ReportProxy": {"render"},
    "ops.cmd.gc.RecordPlan": {"gc"},
    "ops.provide.media": {"media"},
    "ops.provide.render": {"render"},
    "ops.provide.gc": {"gc"},
    "ops.events.read": {"media", "render", "gc"},
    "ops.status": {"media", "render", "gc"},
    "ops.rebuild": set(),
    "ops.replay": set(),
    "render.cmd.proxy": {"ops"},
    "render.status": set(),
    "media.rebuild": set(),
    "job.render.hi.t.p_1": {"render"},
    "progress.p_1": {"render"},
    "dlq.job.render.hi.t.p_1": {"render"},
    "dlq.evt.x": set(),
    **{f"_INBOX_{user}.x": set() for user in USERS},
    "_INBOX.x": set(),
    "$SRV.PING": set(),
    "$SYS.REQ.SERVER.PING": set(),
    "$SYS.REQ.SERVER.ABC.HEALTHZ": {MONITOR},
    "$SYS.REQ.SERVER.ABC.CONFIGZ": set(),
    "$SYS.REQ.SERVER.ABC.RELOAD": set(),
}

MAY_SUBSCRIBE: Final[Mapping[str, set[str]]] = {
    **{f"_INBOX_{user}.>": {user} for user in CONFINED},
    **{f"_INBOX_{user}.*": {user} for user in CONFINED},
    **{f"{service}.>": {service} for service in SERVICES},
    **{f"$SRV.PING.{service}": {service} for service in SERVICES},
    **{f"$SRV.INFO.{service}.id": {service} for service in SERVICES},
    **{f"$SRV.{verb}": set(SERVICES) for verb in ("PING", "INFO", "STATS")},
    "progress.>": {"ops"},
    "access.changed": {"ops", "media", "render", "gc"},
    "_INBOX_operator.>": set(),
    **{subject: set() for subject in (">", "*.>", "_INBOX.>", "*.cmd.>", "evt.>", "job.>", "dlq.>", "replay.>")},
    **{
        subject: set()
        for subject in ("$SRV.>", "$SRV.*", "$SRV.PING.*", "$JS.>", "$JS.API.>", "$JS.ACK.>", "$JS.EVENT.>", "$SYS.>")
    },
}


def jetstream() -> list[str]:
    """Every subject of JetStream, for every stream and consumer."""
    found = []
    for shape in [*(f"$JS.API.{name}" for name in API), *BESIDES]:
        for stream in STREAMS if re.search(r"\.S(\.|$)", shape) else ("",):
            subject = re.sub(r"\.S(?=\.|$)", f".{stream}", shape)
            has = re.search(r"\.C(?=\.|$)", subject)
            found += [re.sub(r"\.C(?=\.|$)", f".{name}", subject) for name in CONSUMERS] if has else [subject]
    return found


class Connection:
    """A connection of one user that remembers what the server refused."""

    def __init__(self, client: Client, refused: list[str]) -> None:
        self.client, self.refused = client, refused

    @classmethod
    async def open(cls, nats: NatsServer, user: str) -> Connection:
        refused: list[str] = []

        async def failed(error: Exception) -> None:
            refused.append(str(error).lower())

        client = await nats_py.connect(
            nats.url, nkeys_seed_str=nats.seed(user), inbox_prefix=f"_INBOX_{user}", error_cb=failed
        )
        return cls(client, refused)

    async def publishable(self, subjects: list[str]) -> set[str]:
        """Those on which the server takes a message; a last one, always refused, tells when it has judged them all."""
        for subject in subjects:
            await self.client.publish(subject)
        return await self._allowed("publish", subjects)

    async def audible(self, subjects: list[str]) -> set[str]:
        """Those to which the server lets it subscribe."""
        for subject in subjects:
            await self.client.subscribe(subject)
        return await self._allowed("subscription", subjects)

    async def _allowed(self, act: str, subjects: list[str]) -> set[str]:
        await self.client.publish("never.allowed")
        await eventually(lambda: any('"never.allowed"' in error for error in self.refused))
        refused = {error.split('"')[1] for error in self.refused if f"violation for {act} to" in error}
        self.refused.clear()
        return {subject for subject in subjects if subject.lower() not in refused}


def table(of: Mapping[str, set[str]], subjects: list[str], user: str) -> set[str]:
    return {subject for subject in subjects if user in of.get(subject, ())}


@pytest.mark.few(1, reason="one more server of NATS")
@pytest.mark.parametrize("user", CONFINED)
async def test_each_user_may_use_what_it_needs_of_jetstream_and_nothing_else(nats: NatsServer, user: str) -> None:
    connection, subjects = await Connection.open(nats, user), jetstream()
    assert await connection.publishable(subjects) == table(MAY_USE, subjects, user)
    assert await connection.audible(subjects) == set()
    await connection.client.close()


@pytest.mark.few(1, reason="one more server of NATS")
@pytest.mark.parametrize("user", CONFINED)
async def test_only_the_entitled_may_publish_and_subscribe(nats: NatsServer, user: str) -> None:
    connection = await Connection.open(nats, user)
    assert await connection.publishable(list(MAY_PUBLISH)) == table(MAY_PUBLISH, list(MAY_PUBLISH), user)
    assert await connection.audible(list(MAY_SUBSCRIBE)) == table(MAY_SUBSCRIBE, list(MAY_SUBSCRIBE), user)
    await connection.client.close()


def test_no_subject_of_the_api_is_missing_here() -> None:
    """The server's binary names them, each perhaps with the beginning of another text behind it."""
    known = tuple({re.sub(r"(\.(S|C|a|>|evt.*))+$", "", name) for name in API})
    named = {found.decode() for found in re.findall(rb"\$JS\.API\.([A-Z]{3,}[A-Z_.]*[A-Z])", binary().read_bytes())}
    found = {name for name in named if name not in ("STREAM", "CONSUMER", "DIRECT", "META", "SERVER", "ACCOUNT")}
    assert "STREAM.PURGE" in found
    assert {name for name in found if not name.startswith(known)} == set()


async def test_a_service_may_answer_who_asked_it(nats: NatsServer) -> None:
    async with (
        await Bus.connect(nats.url, nats.seed("ops"), name="ops") as ops,
        await Bus.connect(nats.url, nats.seed("media"), name="media") as media,
    ):

        async def answer(message: Msg) -> None:
            await message.respond(b"done")

        await ops.subscribe("ops.cmd.>", answer)
        await ops.client.flush()

        async def asked() -> bytes:
            try:
                return (await media.request("ops.cmd.media.RegisterMedia", b"{}", timeout=PATIENCE)).data
            except BusError:  # it is not heard of yet
                return b""

        assert await eventually(asked) == b"done"


@slow
async def test_a_service_gets_its_own_consumers_which_pull_and_have_a_fixed_filter(nats: NatsServer) -> None:
    async with (
        await operator(nats) as admin,
        await Bus.connect(nats.url, nats.seed("ops"), name="ops") as ops,
        await Bus.connect(nats.url, nats.seed("render"), name="render") as render,
        await Bus.connect(nats.url, nats.seed("media"), name="media") as media,
        micro(ops, "ops", "1.0.0", provider(ops).endpoints()),
    ):
        with pytest.raises(BusError, match="stream not found"):  # the relay's to make
            await own_consumer(media, "EVENTS", "media")
        await admin.api("STREAM.CREATE.EVENTS", {"name": "EVENTS", "subjects": ["evt.>"]})
        for (stream, consumer), user in OWN.items():
            if user == "gc":
                continue
            bus = render if user == "render" else media
            config = (await own_consumer(bus, stream, consumer, 7))["config"]
            assert "deliver_subject" not in config
            assert config.get("opt_start_seq") == (7 if stream == "EVENTS" else None)
            kind = {"render-proxy": "hi", "render-export": "lo"}.get(consumer)
            assert config.get("filter_subject") == (kind and f"job.render.{kind}.>")
        for wish in (
            Provide(stream="JOBS", consumer="render-proxy"),
            Provide(stream="EVENTS", consumer="gc"),
            Provide(stream="DLQ", consumer="media"),
            Provide(stream="EVENTS"),
            Provide(stream="EVENTS", consumer="media", start=0),
        ):
            with pytest.raises(BusError, match=r"media has no consumer|start must be"):
                await provide(media, wish)
        assert (await admin.api("CONSUMER.NAMES.JOBS"))["consumers"] == ["render-export", "render-proxy"]


@slow
async def test_the_operator_may_do_all(nats: NatsServer) -> None:
    connection = await Connection.open(nats, OPERATOR)
    stream = await connection.client.jetstream().add_stream(name="EVENTS", subjects=["evt.>"])
    assert stream.config.name == "EVENTS"
    await connection.client.jetstream().purge_stream("EVENTS")
    await connection.client.close()


async def test_nobody_enters_without_a_key(nats: NatsServer) -> None:
    with pytest.raises(Exception, match=r"(?i)authorization"):
        await nats_py.connect(nats.url, allow_reconnect=False)


@slow
def test_nothing_is_served_but_the_client_protocol(nats: NatsServer) -> None:
    """No monitoring port, which would tell anybody of connections, subjects and streams."""
    assert nats.listening() == {nats.port}


@slow
def test_seeds_are_for_their_owner_only(nats: NatsServer) -> None:
    assert {oct(nats.seed_file(user).stat().st_mode & 0o777) for user in USERS} == {"0o600"}

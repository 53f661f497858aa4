"""A connection comes back, whatever goes wrong while it tries."""

from __future__ import annotations

import pytest
from nats.aio.client import Client

from cutlog.bus import Bus
from tests.support.messaging import NatsServer
from tests.support.waiting import eventually


async def test_an_error_that_nobody_expects_does_not_end_the_reconnecting(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    errors = iter([RuntimeError("the handler is closed"), OSError("a full disk"), KeyError("a mistake")])
    greet = Client._process_connect_init

    async def greets(client: Client) -> None:
        for error in errors:
            raise error
        await greet(client)

    async with await Bus.connect(
        nats.url, nats.seed("ops"), name="ops", on_event=lambda what, detail: told.append((what, detail))
    ) as bus:
        monkeypatch.setattr(Client, "_process_connect_init", greets)
        nats.kill()
        nats.start()
        await eventually(lambda: ("reconnected", "") in told)
        await bus.check()
    assert {"RuntimeError: the handler is closed", "OSError: a full disk"} <= {detail for _, detail in told}

"""All four services in this process, on the real parts of one test, and the gateway before them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from cutlog.operate.stack.gateway import Gateway
from services.gc.bootstrap import serving as gc_serving
from services.media.bootstrap import serving as media_serving
from services.ops.bootstrap import serving as ops_serving
from services.render.bootstrap import serving as render_serving
from tests.support.configuration import SettingsFactory
from tests.support.ports import free_ports
from tests.support.running import start, stop

SERVING: Final[dict[str, Any]] = {
    "ops": ops_serving, "media": media_serving, "render": render_serving, "gc": gc_serving,
}  # fmt: skip


@asynccontextmanager
async def services(settings_for: SettingsFactory, **told: Any) -> AsyncIterator[dict[str, str]]:
    """The URL of each; `told` are settings of all."""
    async with AsyncExitStack() as parts:
        urls = {}
        for name, serving in SERVING.items():
            settings = settings_for(name).model_copy(update=told)
            urls[name] = (await parts.enter_async_context(serving(settings))).url
        yield urls


@asynccontextmanager
async def whole(
    settings_for: SettingsFactory, folder: Path, *, origins: Sequence[str] = (), **told: Any
) -> AsyncIterator[str]:
    """The URL of the gateway, which pages of the `origins` may use."""
    gateway = Gateway(folder, "127.0.0.1", free_ports(1)[0], origins=origins)
    async with services(settings_for, public_url=gateway.url, **told) as urls:
        program = gateway.program({name: [url.removeprefix("http://")] for name, url in urls.items()})
        process = start(program, folder / "gateway.log")
        try:
            yield gateway.url
        finally:
            stop(program, process)

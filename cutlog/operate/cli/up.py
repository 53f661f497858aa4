"""`cutlog up`: the whole stack in the foreground."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutlog.operate.cli.failing import causes, fail, unusable

if TYPE_CHECKING:
    from cutlog.operate.stack.services import ServiceProgram
    from cutlog.operate.stack.supervisor import Stack

PROCESSES = min(2, os.cpu_count() or 1)
"""Of ops. It decides and writes history in Python, and one process of that is kept busy by one core."""


def up(
    data: Annotated[Path, typer.Option(help="Folder of the stack; made at the first start.")] = Path(".data"),
    host: Annotated[str, typer.Option(help="Address on which the gateway listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway; 0: a free one.")] = 8080,
    ops: Annotated[int, typer.Option(min=1, max=8, help="Processes of ops, which share the projects.")] = PROCESSES,
    public_url: Annotated[
        str, typer.Option(envvar="CUTLOG_PUBLIC_URL", help="URL of a proxy in front; links begin with it.")
    ] = "",
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(envvar="CUTLOG_CORS_ORIGINS", help="Origin whose pages may use the API; can be repeated."),
    ] = None,
) -> None:
    """Runs PostgreSQL, NATS, the gateway and all services until Ctrl-C or SIGTERM, and restarts crashed processes.

    When everything serves it prints one line `ready URL` and a URL that logs one browser in as admin, once.
    """
    from cutlog.operate.stack.services import installed_services

    public = _origin(public_url, "--public-url") if public_url else ""
    origins = list(dict.fromkeys(_origin(each, "--allow-origin") for each in allow_origin or ()))
    run_stack(data, host, port, installed_services({"ops": ops}), public, origins)


def run_stack(
    data: Path,
    host: str,
    port: int,
    services: Sequence[ServiceProgram],
    public_url: str = "",
    origins: Sequence[str] = (),
    environment: Callable[..., dict[str, str]] | None = None,
) -> None:
    """`cutlog up` with these services, which are told their environment."""
    from cutlog.operate.stack import lock
    from cutlog.operate.stack.errors import CANNOT_START
    from cutlog.operate.stack.gateway import Gateway
    from cutlog.operate.stack.ports import free_ports, why_not
    from cutlog.operate.stack.supervisor import Stack, layout_of

    if reason := why_not(host, 0):
        fail(": ".join(reason))
    layout = layout_of(data)
    try:
        layout.make()
    except OSError as error:
        fail(unusable(layout.data, error))
    gateway = Gateway(layout.caddy, host, port or free_ports(1, host)[0], public_url, origins)
    try:
        with lock.hold(layout.run, gateway.url):
            if reason := why_not(host, gateway.port):
                fail(": ".join(reason))
            stack = Stack(layout, gateway, services, _tell, fixed_ports=port != 0)
            if environment is not None:
                stack.environment = environment
            asyncio.run(_serve(stack))
    except ExceptionGroup as group:
        found = list(causes(group))
        if not all(isinstance(cause, CANNOT_START) for cause in found):
            raise
        fail(_sentence(found[0]))
    except CANNOT_START as error:
        fail(_sentence(error))


async def _serve(stack: Stack) -> None:
    from cutlog.operate.stack.supervisor import serve_until

    stop, at_once = asyncio.Event(), asyncio.Event()

    def ask() -> None:
        _tell("stopping at once" if stop.is_set() else "stopping; press Ctrl-C again to stop at once")
        (at_once if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask)
    await serve_until(stack, stop, at_once, lambda: _announce(stack))
    _tell("stopped")


def _announce(stack: Stack) -> None:
    print(f"ready {stack.gateway.url}", flush=True)
    data = stack.layout.data
    from cutlog.operate.cli.bearer import NotAnswered, ask_ops

    try:
        made = ask_ops(data, "/internal/login-codes", {"subject": "admin", "tenant": "default", "role": "admin"})
    except NotAnswered as error:
        _tell(f"no login URL could be made; `cutlog login` makes one: {error}")
    else:
        print(f"login {made['url']}", flush=True)


def _origin(text: str, option: str) -> str:
    from cutlog.operate.stack.origins import origin_of

    try:
        return origin_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _sentence(error: BaseException) -> str:
    return f"{(error.__doc__ or '').strip()} {error}".strip()


def _tell(sentence: str) -> None:
    print(f"cutlog: {sentence}", file=sys.stderr, flush=True)

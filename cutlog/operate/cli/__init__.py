"""The command `cutlog`. Each subcommand is a function in a module of its own, imported when it is asked for.

Exit codes: 0 done, 1 found or failed, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer

COMMANDS = {
    "up": "cutlog.operate.cli.up:up",
    "demo": "cutlog.operate.cli.demo:demo",
    "token": "cutlog.operate.cli.token:token",
    "login": "cutlog.operate.cli.login:login",
    "keys": "cutlog.operate.cli.keys:keys",
    "nats-context": "cutlog.operate.cli.nats_context:nats_context",
    "serve": "cutlog.operate.cli.serve:serve",
    "fsck": "cutlog.operate.cli.fsck:fsck",
    "media": "cutlog.operate.cli.media:media",
    "store": "cutlog.operate.cli.store:store",
    "doctor": "cutlog.operate.cli.doctor:doctor",
    "backup": "cutlog.operate.cli.backup:backup",
    "restore": "cutlog.operate.cli.backup:restore",
    "backfill": "cutlog.operate.cli.backfill:backfill",
    "rollback": "cutlog.operate.cli.backfill:rollback",
}
"""Subcommand → module:function. Its signature is its command line, its docstring its help."""


def build(names: Iterable[str]) -> typer.Typer:
    """The command line with these subcommands."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @app.callback()
    def cutlog(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        """The backend of a video editor: every edit is an event, every version can be rendered again."""

    for name in names:
        module, _, function = COMMANDS[name].partition(":")
        app.command(name)(getattr(import_module(module), function))
    return app


def main() -> None:
    """Entry point of the console script. Imports only what was asked for, so that each command starts fast."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    build([asked] if asked in COMMANDS else _present())(prog_name="cutlog")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"cutlog {version('cutlog')}")
        raise typer.Exit


def _present() -> list[str]:
    return [name for name, place in COMMANDS.items() if find_spec(place.partition(":")[0]) is not None]

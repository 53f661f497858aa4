"""`cutlog backup` and `cutlog restore`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutlog.operate.cli.failing import fail

if TYPE_CHECKING:
    from cutlog.operate.backup.making import Made
    from cutlog.operate.backup.restoring import Restored
    from cutlog.operate.backup.source import Source

Data = Annotated[Path, typer.Option(help="Folder of the stack.")]
Database = Annotated[
    str | None,
    typer.Option(
        help="In place of --data: postgresql://OWNER@HOST/NAME, with --objects; its password may be in PGPASSWORD."
    ),
]
Objects = Annotated[str | None, typer.Option(help="In place of --data: s3://bucket/prefix or file:///folder.")]


def backup(
    to: Annotated[Path, typer.Argument(help="Backup folder; created if missing.")],
    data: Data = Path(".data"),
    quick: Annotated[bool, typer.Option("--quick", help="Check files of earlier backups by size only.")] = False,
    no_secrets: Annotated[bool, typer.Option("--no-secrets", help="Leave out keys and passwords.")] = False,
    without_damaged: Annotated[
        bool, typer.Option("--without-damaged", help="Skip and list objects that are missing or corrupt.")
    ] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Keep only this many of the newest backups; default: all.")
    ] = None,
    database: Database = None,
    objects: Objects = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Backs up the database and every object it refers to, as of one moment, while the stack runs.

    Objects that an earlier backup in the same folder has are not copied again.
    """
    from cutlog.hosting.logs import log_quietly
    from cutlog.operate.backup.making import backup as run
    from cutlog.operate.backup.source import source_of
    from cutlog.operate.cli.own_stack import running

    log_quietly()
    folder, target = _absolute(data), _absolute(to)
    elsewhere = _elsewhere(database, objects)
    if elsewhere is None:
        _apart(folder, target)
        _there(folder)

    async def work() -> Made:
        options: dict[str, Any] = {"read": not quick, "secrets": not no_secrets, "damaged": without_damaged}
        if elsewhere is not None:
            return await run(elsewhere, target, keep=keep, **options)
        async with running(folder):
            return await run(source_of(folder), target, keep=keep, **options)

    made = _ended(work())
    if as_json:
        _print_json(made)
        return
    print(f"backup {made.name} in {target}: {_sums(made)}, as of event {made.position:,}; {_copied(made)}")
    _print_lacking(made.lacking)
    if made.forgotten:
        print(f"removed {', '.join(made.forgotten)}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Backup folder.")],
    data: Annotated[Path, typer.Option(help="Folder of the new stack; it must not exist, or be empty.")] = Path(
        ".data"
    ),
    name: Annotated[str | None, typer.Option("--backup", help="Name of the backup; default: the newest.")] = None,
    database: Database = None,
    objects: Objects = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Creates the data folder of a stack from a backup. If interrupted, run it again to resume."""
    from cutlog.hosting.logs import log_quietly
    from cutlog.operate.backup.place import Place
    from cutlog.operate.backup.restoring import restore as run
    from cutlog.operate.backup.restoring import restore_into

    log_quietly()
    folder, root = _absolute(data), _absolute(source)
    elsewhere = _elsewhere(database, objects)
    if elsewhere is None:
        _apart(folder, root)

    async def work() -> Restored:
        with Place.found(root) as place:
            if elsewhere is not None:
                return await restore_into(place, name, elsewhere)
            return await run(place, name, folder)

    made = _ended(work())
    if as_json:
        _print_json(made)
        return
    where = "the database and the store" if elsewhere is not None else str(folder)
    print(f"restored {made.name} to {where}: {_sums(made)}, as of event {made.position:,}; {_copied(made)}")
    _print_lacking(made.lacking)
    if elsewhere is None:
        print(f"start: cutlog up --data {folder}; check: cutlog fsck --data {folder}")


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _apart(data: Path, backups: Path) -> None:
    ours, theirs = data.resolve(), backups.resolve()
    if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
        fail(f"{data} and {backups} must not contain each other; choose a separate folder", 2)


def _there(folder: Path) -> None:
    try:
        found = (folder / "secrets").is_dir()
    except OSError as error:
        fail(str(error))
    if not found:
        fail(f"there is no stack on {folder}")


def _elsewhere(database: str | None, objects: str | None) -> Source | None:
    """What is not a stack of `cutlog up`."""
    if database is None and objects is None:
        return None
    if database is None or objects is None:
        raise typer.BadParameter("--database and --objects go together")
    from cutlog.blobs import open_blobs
    from cutlog.operate.backup.source import Source

    if objects.startswith("memory:"):
        raise typer.BadParameter("a store in memory ends with its process", param_hint="--objects")
    try:
        return Source(database, open_blobs(objects, ""))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--objects") from None


def _ended(work: Any) -> Any:
    """What the work comes to; or one sentence and the end of the command."""
    import asyncpg
    from sqlalchemy.exc import SQLAlchemyError

    from cutlog.db.holds import AlreadyHeld
    from cutlog.db.leases import LeaseLost
    from cutlog.operate.backup.copying import ObjectUnusable
    from cutlog.operate.backup.making import TooMuchChange
    from cutlog.operate.backup.place import BackupDamaged, BackupUnknown, NoPlace, PlaceBusy
    from cutlog.operate.backup.restoring import NotEmpty
    from cutlog.operate.cli.own_stack import StackDidNotStart
    from cutlog.operate.stack.dump import DatabaseFailed
    from cutlog.operate.stack.errors import CANNOT_START
    from cutlog.operate.stack.state import NotRunning

    said = (
        ObjectUnusable, DatabaseFailed, TooMuchChange, BackupUnknown, BackupDamaged, NoPlace, PlaceBusy, NotEmpty,
        StackDidNotStart, NotRunning, *CANNOT_START,
    )  # fmt: skip
    try:
        return asyncio.run(work)
    except said as error:
        fail(f"{(type(error).__doc__ or '').strip()} {error}".strip())
    except AlreadyHeld:
        fail("Another backup of this stack is running; wait until it has finished.")
    except (LeaseLost, OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _print_json(made: Any) -> None:
    import msgspec

    print(json.dumps(msgspec.to_builtins(made)))


def _sums(made: Any) -> str:
    return f"{made.objects:,} objects, {made.bytes:,} bytes"


def _copied(made: Any) -> str:
    return f"copied {made.copied_objects:,} objects, {made.copied_bytes:,} bytes"


def _print_lacking(lacking: tuple[str, ...]) -> None:
    if lacking:
        print(f"{len(lacking):,} objects were missing or corrupt and are not included, for example {lacking[0]}")

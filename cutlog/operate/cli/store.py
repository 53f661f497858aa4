"""`cutlog store migrate`: all objects into another store."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Literal

import typer

from cutlog.operate.cli.failing import fail


def store(
    action: Annotated[str, typer.Argument(help="migrate")],
    source: Annotated[str, typer.Argument(help="file:///folder or s3://bucket/prefix.")],
    target: Annotated[str, typer.Argument(help="The same, of the other store. AWS_* variables hold for both.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copies every object and verifies each copy. If interrupted, run it again to resume."""
    known: Literal["migrate"] = "migrate"
    if action != known:
        raise typer.BadParameter(f"there is {known}", param_hint="action")
    import msgspec

    from cutlog.blobs import BlobStore, InvalidKeyError, open_blobs
    from cutlog.blobs.migrate import DiffersError, migrate

    def opened(url: str) -> BlobStore:
        if url.startswith("memory:"):
            raise typer.BadParameter("a store in memory ends with its process", param_hint=url)
        try:
            return open_blobs(url, "")
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint=url) from None

    if source.rstrip("/") == target.rstrip("/"):
        raise typer.BadParameter("both are the same store")
    stores = opened(source), opened(target)
    try:
        made = asyncio.run(migrate(*stores))
    except* (DiffersError, InvalidKeyError, OSError) as errors:
        fail("; ".join(str(error) for error in errors.exceptions))
    except* Exception as errors:  # what a bucket's client raises
        fail("; ".join(f"{type(error).__name__}: {error}" for error in errors.exceptions))
    if as_json:
        print(json.dumps(msgspec.to_builtins(made)))
        return
    print(f"copied {made.copied:,} objects, {made.bytes:,} bytes; {made.there:,} were there already")
    if made.gone:
        print(f"{made.gone:,} were removed meanwhile")
    if made.others:
        print(f"{len(made.others):,} are only in {target}, such as {made.others[0]}")

"""A process that leads at `work` and notes each act: `python -m tests.db.leading URL NOTES`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from cutlog.db.lead import lead
from cutlog.db.leases import Lease


async def main(url: str, notes: str) -> None:
    engine, stop = create_async_engine(url), asyncio.Event()
    act = text("INSERT INTO brought (tenant, source, legacy_id, run, video_id, refs) VALUES ('t', :s, :i, '', '', :n)")

    async def work(lease: Lease) -> None:
        count = 0
        while True:
            lease.check()
            async with engine.begin() as connection:
                await connection.execute(act, {"s": str(lease.token), "i": str(count), "n": lease.token})
            count += 1
            with Path(notes).open("a") as file:  # noqa: ASYNC230 - one line
                file.write(f"{lease.token}\n")
            await asyncio.sleep(0.02)

    await lead(engine, "work", stop, work)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

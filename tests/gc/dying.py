"""A collector that dies, as if by SIGKILL, when it comes to a step: `python -m tests.gc.dying STEP NTH`."""

from __future__ import annotations

import asyncio
import os
import sys

from cutlog.hosting.settings import Settings
from services.gc.bootstrap import serving

STATUS = 86


async def main(step: str, nth: int) -> None:
    left = nth

    async def reached(name: str) -> None:
        nonlocal left
        if name == step:
            left -= 1
            if left == 0:
                os._exit(STATUS)

    settings = Settings()  # type: ignore[call-arg]  # from the environment
    async with serving(settings, reached) as server:
        sys.stdout.write(f"ready {server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

"""Whether anything answers at a --url, before a command has patience with it as with a stack that restarts."""

from __future__ import annotations

import os

import aiohttp

from cutlog.client.errors import Unreachable

WITHIN = 10.0
"""Seconds for an answer."""


class NobodyAnswers(Unreachable):
    """No stack answers."""


async def answers(url: str) -> None:
    """Asks once for the stack's health, whatever that is. Raises NobodyAnswers."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN)) as session,
            session.get(f"{url.rstrip('/')}/api/health"),
        ):
            return
    except TimeoutError:
        why = f"no answer within {WITHIN:.0f} s"
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        why = "this is no http:// URL"
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno or 0
        why = f"cannot connect ({os.strerror(number) if number > 0 else error.strerror})"
    except aiohttp.ClientError as error:
        why = str(error)
    raise NobodyAnswers(f"{url}: {why}. Check --url, or start a stack with `cutlog up`.")

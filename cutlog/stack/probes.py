"""Asking a part whether it serves. Each returns False while it does not answer; none sleeps."""

from __future__ import annotations

import asyncio

import asyncpg


async def postgres_answers(url: str) -> bool:
    """Whether the server accepts this login and can be written to: one that reads a backup's WAL only answers."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
        return False
    try:
        return not await connection.fetchval("SELECT pg_is_in_recovery()")
    finally:
        await connection.close()


async def http_status(host: str, port: int, path: str) -> int | None:
    """Status of a GET; None when nobody answers."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
                words = (await reader.readline()).split()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


async def http_ready(host: str, port: int, path: str) -> bool:
    """Whether a GET answers 200."""
    return await http_status(host, port, path) == 200


async def http_speaks(host: str, port: int) -> bool:
    """Whether there is an HTTP server, whatever it answers."""
    return await http_status(host, port, "/") is not None


async def http_well(host: str, port: int, path: str) -> bool:
    """False where a GET answers 503. Silence says nothing: it may be a busy moment, or the end."""
    return await http_status(host, port, path) != 503

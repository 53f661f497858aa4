"""Asking a part whether it serves. Each returns False while it does not answer; none sleeps."""

from __future__ import annotations

import asyncio
import base64
import secrets

import asyncpg
import msgspec
import nkeys

from cutlog.db.connecting import connect
from cutlog.operate.stack.secrets import NatsUser


async def postgres_answers(url: str) -> bool:
    """Whether the server accepts this login and can be written to: one that reads a backup's WAL only answers."""
    try:
        connection = await connect(url, timeout=5)
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


async def hangs_up(address: str) -> bool:
    """Whether somebody answers at a socket without a path, be it by hanging up, as a warden does on those whom it does
    not serve."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_unix_connection(f"\0{address}")
            try:
                return await reader.read(1) == b""
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def nats_health(host: str, port: int, user: NatsUser) -> bool | None:
    """Whether the server and all that its JetStream holds are well; None when nobody answers.

    One question over the NATS client protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol): the
    client library would be most of what the supervisor holds in memory.
    """
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return await _ask_health(reader, writer, user)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, msgspec.DecodeError, KeyError):
        return None


async def _ask_health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: NatsUser) -> bool | None:
    info = msgspec.json.decode((await reader.readline()).removeprefix(b"INFO "))
    signature = nkeys.from_seed(bytearray(user.seed.encode())).sign(info["nonce"].encode())
    login = {
        "nkey": user.public, "sig": base64.urlsafe_b64encode(signature).decode().rstrip("="), "verbose": False,
        "pedantic": False, "name": "cutlog health", "lang": "python", "version": "1", "protocol": 1,
    }  # fmt: skip
    inbox = f"_INBOX_monitor.{secrets.token_hex(8)}"
    question = f"$SYS.REQ.SERVER.{info['server_id']}.HEALTHZ"
    writer.write(b"CONNECT " + msgspec.json.encode(login) + b"\r\n")
    writer.write(f"SUB {inbox} 1\r\nPUB {question} {inbox} 0\r\n\r\n".encode())
    while line := await reader.readline():
        words = line.split()
        if words[:1] == [b"MSG"]:
            answer = msgspec.json.decode(await reader.readexactly(int(words[-1])))
            return bool(answer["data"]["status"] == "ok")
        if words[:1] == [b"-ERR"]:
            return None
        if words[:1] == [b"PING"]:
            writer.write(b"PONG\r\n")
    return None


async def nats_ready(host: str, port: int, user: NatsUser) -> bool:
    """Whether the server says that it is well."""
    return await nats_health(host, port, user) is True


async def nats_well(host: str, port: int, user: NatsUser) -> bool:
    """False where the server says that it is not. Silence says nothing: it may be a busy moment, or the end."""
    return await nats_health(host, port, user) is not False

"""Roles and schemas: one of each per service, made by the owner of the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cutlog.db.connecting import connect
from cutlog.db.sql import statement

_CLOSE_TO_PUBLIC: Final = statement("close_to_public")
_CLOSE_DATABASES: Final = statement("close_databases")
_CREATE_ROLE: Final = statement("create_role")


async def prepare(owner_url: str, passwords: Mapping[str, str]) -> None:
    """Gives every service in `passwords` (name → password) its role `cutlog_<name>` and its schema `<name>`
    in the database of `owner_url`, and closes that database to everybody else. Idempotent, one transaction."""
    connection = await connect(owner_url)
    try:
        async with connection.transaction():
            await connection.execute(_CLOSE_TO_PUBLIC)
            for service, password in passwords.items():
                await connection.execute(
                    "SELECT set_config('cutlog.service', $1, true), set_config('cutlog.password', $2, true)",
                    service,
                    password,
                )
                await connection.execute(_CREATE_ROLE)
    finally:
        await connection.close()


async def close_cluster(maintenance_url: str) -> None:
    """Takes what PostgreSQL grants to every role from the database of `maintenance_url`, and the right to connect from
    all databases of its cluster, which must be ours alone."""
    connection = await connect(maintenance_url)
    try:
        async with connection.transaction():
            await connection.execute(_CLOSE_TO_PUBLIC)
            await connection.execute(_CLOSE_DATABASES)
    finally:
        await connection.close()


async def create_database(maintenance_url: str, name: str) -> None:
    """Makes database `name` unless it exists."""
    connection = await connect(maintenance_url)
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            return
        await connection.execute(await connection.fetchval("SELECT format('CREATE DATABASE %I', $1::text)", name))
    finally:
        await connection.close()

"""What a service is, to those who start it: a name, its migrations and a coroutine that serves until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING

from cutlog.hosting.proof import Proof

if TYPE_CHECKING:  # the supervisor names services without loading what they are told
    from cutlog.hosting.settings import Settings

ENTRY_POINTS = "cutlog.services"

Run = Callable[["Settings", asyncio.Event], Awaitable[None]]


class ServiceUnknown(LookupError):
    """No installed package offers a service of that name."""


@dataclass(frozen=True)
class Service:
    """`run(settings, stop)` serves until `stop` is set, then finishes what is under way and returns.

    `migrations` is the dotted name of the Alembic package (it holds `versions/`) of the schema `name`,
    or None for a service without tables; it stands beside the service's `bootstrap`. `proof` is what `cutlog fsck`
    looks at.
    """

    name: str
    migrations: str | None
    run: Run
    proof: Proof = field(default_factory=Proof)


def installed() -> list[str]:
    """Names of all services that installed packages offer, sorted; nothing is imported."""
    return sorted({point.name for point in entry_points(group=ENTRY_POINTS)})


def load(name: str) -> Service:
    """Imports and returns one service. Raises ServiceUnknown."""
    for point in entry_points(group=ENTRY_POINTS, name=name):
        service = point.load()
        assert isinstance(service, Service), f"{point.value} is not a Service"
        return service
    raise ServiceUnknown(name)


def migration_packages(names: Iterable[str]) -> dict[str, str]:
    """Service name → dotted package of its migrations, for those that have tables. Found by convention
    (`migrations` beside the entry point's module), so that no service's code is imported."""
    packages = {}
    for point in entry_points(group=ENTRY_POINTS):
        package = f"{point.module.rpartition('.')[0]}.migrations"
        if point.name in names and _exists(package):
            packages[point.name] = package
    return packages


def _exists(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False

"""The services as the supervisor starts them: command lines, and how many processes there are of each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cutlog.hosting.service import installed, migration_packages


@dataclass(frozen=True)
class ServiceProgram:
    """A service: `argv`, which gets the `CUTLOG_*` environment. `migrations` is the dotted package of its migrations,
    or None. Of a `forked` one, `argv` is a command line of `cutlog`, run by a process that has loaded it already where
    that can be. There are so many `processes` of it at once."""

    name: str
    argv: Sequence[str]
    migrations: str | None
    forked: bool = False
    processes: int = 1

    @property
    def executed(self) -> Sequence[str]:
        """The command line of a process that loads for itself."""
        return [sys.executable, "-m", *self.argv] if self.forked else self.argv

    @property
    def instances(self) -> list[str]:
        """Names of its processes: the first has that of the service, the second NAME-2."""
        return [self.name, *(f"{self.name}-{number}" for number in range(2, self.processes + 1))]


def process_names(services: Sequence[ServiceProgram]) -> list[str]:
    """All processes of services. The first of each service come first, so that more processes of one change no other's
    place, nor the port that goes with it."""
    return [each.name for each in services] + [further for each in services for further in each.instances[1:]]


def installed_services(processes: Mapping[str, int]) -> list[ServiceProgram]:
    """All services that are installed, each as `cutlog serve NAME`. Of those that `processes` names there are so many,
    of others one."""
    names = installed()
    packages = migration_packages(names)
    return [
        ServiceProgram(name, ["cutlog", "serve", name], packages.get(name), True, processes.get(name, 1))
        for name in names
    ]

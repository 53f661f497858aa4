"""`cutlog up`: starts every part of the stack, keeps it running, stops it in order.

All parts start together; services are loaded meanwhile, once for all, and forked when PostgreSQL and NATS answer and
the database is migrated. Stopped in the other direction: first the door, then the services, which drain, then what they
stand on.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from cutlog.db.roles import close_cluster, create_database, prepare
from cutlog.jail.client import listening, name_of, warden_program
from cutlog.operate.stack import probes
from cutlog.operate.stack.account import Accounts, own
from cutlog.operate.stack.child import Ask, Child, Tell
from cutlog.operate.stack.environment import service_environment
from cutlog.operate.stack.forks import Forks, can_fork
from cutlog.operate.stack.gateway import Gateway
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.leftovers import end_leftovers
from cutlog.operate.stack.migrating import migrator
from cutlog.operate.stack.nats import MONITOR, Nats
from cutlog.operate.stack.passages import installed_paths, passages_to
from cutlog.operate.stack.ports import free_ports, ports_beside, usable
from cutlog.operate.stack.postgres import DATABASE, Postgres, service_url
from cutlog.operate.stack.processes import adopt_orphans, end_orphans, process
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.services import ServiceProgram, process_names
from cutlog.operate.stack.state import StackState, write_state
from cutlog.process.program import Passages, Program, Running, Spawn, execute

WRITE_AGAIN = 1.0
"""Seconds after which stack.json is written again where the disk did not take it."""


@dataclass
class Stack:
    """One stack on `layout.data`. The caller holds its lock. `start`, then `keep`, then always `stop`."""

    layout: Layout
    gateway: Gateway
    services: Sequence[ServiceProgram]
    tell: Tell
    fixed_ports: bool = False
    """Services listen beside the gateway, as long as nobody else does there; otherwise on any free ports."""
    environment: Callable[..., dict[str, str]] = service_environment
    """What a service is told."""
    children: dict[str, Child] = field(default_factory=dict)
    listen: dict[str, str] = field(default_factory=dict)
    """Process of a service → HOST:PORT, from the start on."""
    ending: bool = False
    """A part that was being started again when the end came says nothing any more."""

    def __post_init__(self) -> None:
        postgres, nats = free_ports(2)
        self.secrets = Secrets(self.layout.secrets)
        self._accounts = Accounts.here()
        self._passages = self._opened()
        self._postgres_port = postgres
        self._nats = Nats(self.layout.nats, nats, self._accounts.bus, self._passages)
        forked = can_fork() and any(service.forked for service in self.services)
        self._warden = listening() if self._accounts.decoder else None
        self._forks = Forks(self.layout.data, self._accounts.services, self._passages) if forked else None

    async def start(self) -> None:
        """Returns when every part says that it is ready. Raises ChildFailed and its like. From here on, orphans of
        this process are its children, and ended."""
        adopt_orphans()
        for name in await asyncio.to_thread(end_leftovers, self.layout.pids, self.layout.postgres / "data"):
            self.tell(f"ended {name}, left by an earlier run")
        self._choose_ports()
        await asyncio.to_thread(own, self.layout.objects, self._accounts.services)
        names = [service.name for service in self.services]
        self.secrets.forget_shared()
        await asyncio.to_thread(self.secrets.hand_out, self.layout.keys, names, self._accounts.services)
        grounded = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            ground = [group.create_task(self._start_postgres()), group.create_task(self._start_nats())]
            group.create_task(self._start_gateway())
            if self._warden is not None:
                group.create_task(self._start_warden(self._warden))
            if self._forks is not None:
                group.create_task(self._add(self._forks.program, self._forks.loaded, spawn=self._forks.start))
            for service in self.services:
                for instance in service.instances:
                    group.create_task(self._start_service(service, instance, grounded))
            for task in ground:
                await task
            grounded.set()
        self._write_state()

    async def keep(self) -> None:
        """Starts again whatever dies, for ever."""
        async with asyncio.TaskGroup() as group:
            for child in self.children.values():
                group.create_task(child.keep(self._changed))

    async def stop(self, *, at_once: bool = False) -> None:
        """Ends every part in order and removes stack.json. May be called at any point of the start."""
        self.ending = True
        self.layout.state.unlink(missing_ok=True)
        for group in (["gateway"], list(self.listen), ["forkserver", "warden", "nats"], ["postgres"]):
            present = [self.children[name] for name in group if name in self.children]
            await asyncio.gather(*(child.stop(at_once=at_once) for child in present))
        if self._forks is not None:
            self._forks.close()
        if self._warden is not None:
            self._warden.close()
        end_orphans(())

    def _choose_ports(self) -> None:
        instances = process_names(self.services)
        wanted = ports_beside(self.gateway.port, len(instances)) if self.fixed_ports else []
        ports = usable(wanted) if self.fixed_ports else free_ports(len(instances))
        self.listen = {instance: f"127.0.0.1:{port}" for instance, port in zip(instances, ports, strict=True)}
        if taken := [str(port) for port in wanted if port not in ports]:
            self.tell(f"these ports of services are taken, and free ones used instead: {', '.join(taken)}")
        self.tell(f"services listen on {', '.join(f'{name} {address}' for name, address in self.listen.items())}")

    async def _start_gateway(self) -> None:
        ready = partial(probes.http_speaks, self.gateway.reachable, self.gateway.port)
        services = {service.name: [self.listen[each] for each in service.instances] for service in self.services}
        await asyncio.to_thread(own, self.layout.caddy, self._accounts.gateway)
        await self._add(self.gateway.program(services, self._accounts.gateway, self._passages), ready)

    async def _start_nats(self) -> None:

        async def spawn(program: Program, log: TextIO) -> Running:
            self._nats.prepare()  # whoever runs it could not make it again in DATA
            return await execute(program, log)

        # A stream that met a full or failing disk takes nothing more until the server is started again.
        asking = "127.0.0.1", self._nats.port, self.secrets.nats(MONITOR)
        await self._add(
            self._nats.program(self.secrets),
            partial(probes.nats_ready, *asking),
            well=partial(probes.nats_well, *asking),
            spawn=spawn,
        )

    async def _start_warden(self, listener: socket.socket) -> None:
        """Its socket is ours, so that orders wait for one that is started again."""
        assert self._accounts.services is not None
        program = warden_program(self._accounts.services.uid, account=self._accounts.decoder, passages=self._passages)
        ready = partial(probes.hangs_up, name_of(listener))
        await self._add(program, ready, spawn=partial(execute, stdin=listener.fileno()))

    async def _start_postgres(self) -> None:
        postgres = await asyncio.to_thread(
            Postgres.at, self.layout.postgres, self._postgres_port, self.secrets.database("owner")
        )
        # To make a new cluster takes a second, in which what will be needed then is loaded.
        async with migrator(early=not postgres.data.exists()) as migrate:
            await postgres.prepare()
            maintenance = postgres.url("postgres")
            await self._add(postgres.program(), partial(probes.postgres_answers, maintenance))
            await close_cluster(maintenance)
            await create_database(maintenance, DATABASE)
            roles = {service.name: self.secrets.database(service.name) for service in self.services}
            await prepare(postgres.url(), roles)
            packages = {service.name: service.migrations for service in self.services if service.migrations}
            for schema in await migrate(postgres.url(), packages):
                self.tell(f"migrated {schema}")

    async def _start_service(self, service: ServiceProgram, instance: str, grounded: asyncio.Event) -> None:
        forks = self._forks if service.forked else None
        environment = self.environment(
            service.name,
            layout=self.layout,
            secrets=self.secrets,
            database_url=service_url(self._postgres_port, service.name, self.secrets.database(service.name)),
            nats=self._nats,
            listen=self.listen[instance],
            peers={each.name: self.listen[each.name] for each in self.services},
            public_url=self.gateway.public,
            warden=name_of(self._warden) if self._warden else "",
        )
        if self._accounts.services is not None:
            environment["HOME"] = str(self.layout.data)  # root's own is closed to it
        program = Program(
            name=instance,
            argv=service.argv if forks is not None else service.executed,
            env=environment,
            cwd=self.layout.data,
            account=self._accounts.services,
            passages=self._passages,
            grace=20.0,
            inherit=tuple(os.environ),
        )
        host, _, port = self.listen[instance].rpartition(":")
        spawn = forks.fork if forks is not None else execute
        await grounded.wait()
        await self._add(program, partial(probes.http_ready, host, int(port), "/readyz"), spawn=spawn)

    async def _add(self, program: Program, ready: Ask, *, well: Ask | None = None, spawn: Spawn = execute) -> None:
        child = Child(
            program, ready, logs=self.layout.logs, pids=self.layout.pids, tell=self.tell, well=well, spawn=spawn
        )
        self.children[program.name] = child
        await child.start()

    def _opened(self) -> Passages:
        if self._accounts.services is None:
            return ()
        layout = self.layout
        return passages_to(
            [*installed_paths(), layout.data, layout.objects, layout.nats, layout.caddy], self._accounts.users
        )

    def _changed(self) -> None:
        if not self.ending:
            try:
                self._write_state()
            except OSError as error:  # a full disk, as a rule
                self.tell(f"{self.layout.state} could not be written; retrying: {error}")
                asyncio.get_running_loop().call_later(WRITE_AGAIN, self._changed)
        if self._forks is None or not self._forks.forking:  # what is being forked is not known yet
            end_orphans([child.pid for child in self.children.values() if child.pid])

    def _write_state(self) -> None:
        own = process(os.getpid())
        assert own is not None
        write_state(
            self.layout,
            StackState(
                pid=own.pid,
                started=own.started,
                url=self.gateway.url,
                public_url=self.gateway.public,
                data=str(self.layout.data.absolute()),
                nats_url=self._nats.url,
                postgres_port=self._postgres_port,
                listen=dict(self.listen),
                pids={name: child.pid for name, child in self.children.items() if child.pid},
            ),
        )


async def serve_until(stack: Stack, stop: asyncio.Event, at_once: asyncio.Event, on_ready: Callable[[], None]) -> None:
    """Starts the stack, calls `on_ready`, keeps it until `stop` is set, and stops it: cleanly, or when
    `at_once` is set too, by force. Raises what kept it from starting, when all that had started has ended."""
    stopping = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(stack.start())
    keeping: asyncio.Task[None] | None = None
    try:
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            on_ready()
            keeping = asyncio.create_task(stack.keep())
            await asyncio.wait([keeping, stopping], return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                await keeping
    finally:
        starting.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await starting
        await _stop(stack, at_once)
        for task in (keeping, stopping):
            if task is not None:
                task.cancel()


async def _stop(stack: Stack, at_once: asyncio.Event) -> None:
    clean = asyncio.create_task(stack.stop())
    hurry = asyncio.create_task(at_once.wait())
    await asyncio.wait([clean, hurry], return_when=asyncio.FIRST_COMPLETED)
    if not clean.done():
        clean.cancel()
        await stack.stop(at_once=True)
    hurry.cancel()


def layout_of(data: Path) -> Layout:
    """The layout of a DATA named by a user: absolute, so that it stays the same for every child."""
    return Layout(data.expanduser().absolute())

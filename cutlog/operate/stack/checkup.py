"""What a machine must have for a stack to run here, looked at one by one; each finding says how to mend it."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from cutlog.ffmpeg import Ffmpeg
from cutlog.ffmpeg.binaries import BinaryNotFoundError, locate
from cutlog.ffmpeg.errors import FfmpegFailedError
from cutlog.ffmpeg.sandbox import SandboxUnavailableError
from cutlog.operate.stack import gateway, nats, postgres
from cutlog.operate.stack.account import GATEWAY, SERVICES, USER, AccountUnavailable, named_account, postgres_account
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.ports import why_not
from cutlog.operate.stack.state import NotRunning, read_state

Level = Literal["ok", "warn", "fail"]
GIB: Final = 1 << 30
LEAST_DISK: Final = 2 * GIB
GOOD_DISK: Final = 20 * GIB
LEAST_MEMORY: Final = GIB
GOOD_MEMORY: Final = 4 * GIB
LEAST_FILES: Final = 1_024
ENCODERS: Final = ("libx264", "libx265", "aac", "libvpx-vp9", "libopus", "prores_ks", "gif", "mjpeg", "png")
FILTERS: Final = ("drawtext", "overlay", "xfade", "libvmaf", "loudnorm", "zscale", "tonemap")
NEEDED: Final = ("libx264", "aac", "mjpeg", "png", "drawtext", "overlay", "xfade")
"""Without these nothing can be rendered; without the others one profile or effect."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: `mend` says what to do, where something is wrong."""

    check: str
    level: Level
    detail: str
    mend: str = ""


@dataclass(frozen=True)
class _Choice:
    """Which ffmpeg, and how confined."""

    ffmpeg: Path | None
    sandbox: Literal["auto", "off"]


Check = Callable[[], Iterator[Finding]]


def check_up(data: Path, host: str, port: int, ffmpeg: Path | None, sandbox: Literal["auto", "off"]) -> list[Finding]:
    """Looks at everything. Changes nothing, and starts nothing but programs that print their version."""
    checks: tuple[Check, ...] = (
        _python, lambda: _sandbox(ffmpeg, sandbox), lambda: _ffmpeg(ffmpeg), _postgres, _servers,
        lambda: _account(data), lambda: _port(data, host, port), lambda: _disk(data), _memory, _files,
    )  # fmt: skip
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 14):
        yield Finding("python", "ok", version)
    else:
        yield Finding("python", "fail", version, "run with Python 3.11 to 3.14: PYTHON=/path/to/python3 make install")


def _sandbox(configured: Path | None, mode: Literal["auto", "off"]) -> Iterator[Finding]:
    """Runs ffmpeg once as media would be opened: that a kernel has Landlock does not say that it lets us use it."""
    kernel = f"Linux {platform.release()}"
    if mode == "off":
        mend = "unset CUTLOG_SANDBOX unless every upload is trusted"
        yield Finding("sandbox", "warn", "off: media is opened with the rights of the services", mend)
        return
    try:
        found = asyncio.run(Ffmpeg.find(_Choice(configured, mode)))
    except SandboxUnavailableError:
        mend = "boot Linux 6.7 or newer with Landlock, or install bubblewrap (Debian: apt install bubblewrap)"
        yield Finding("sandbox", "fail", f"neither Landlock nor bubblewrap works on {kernel}", mend)
    except (BinaryNotFoundError, FfmpegFailedError) as error:
        yield Finding("sandbox", "fail", f"ffmpeg does not run: {error}", "see ffmpeg, below")
    else:
        yield Finding("sandbox", "ok", f"{found.sandbox} on {kernel}")


def _ffmpeg(configured: Path | None) -> Iterator[Finding]:
    try:
        path = locate(configured)
    except BinaryNotFoundError as error:
        yield Finding("ffmpeg", "fail", str(error), "make install, or CUTLOG_FFMPEG=/path/to/ffmpeg")
        return
    banner = _printed(path, "-version").splitlines()
    yield Finding("ffmpeg", "ok" if banner else "fail", banner[0] if banner else f"{path} does not run")
    has = set(
        re.findall(r"^ [A-Z.|]{2,6} +(\S+)", _printed(path, "-encoders") + _printed(path, "-filters"), re.MULTILINE)
    )
    missing = [name for name in (*ENCODERS, *FILTERS) if name not in has]
    if not missing:
        yield Finding("ffmpeg features", "ok", f"{len(ENCODERS)} encoders and {len(FILTERS)} filters are there")
        return
    level: Level = "fail" if set(missing) & set(NEEDED) else "warn"
    mend = "unset CUTLOG_FFMPEG to use the build that comes with cutlog, or name one that has them"
    yield Finding("ffmpeg features", level, f"missing: {', '.join(missing)}", mend)


def _postgres() -> Iterator[Finding]:
    folder = postgres.binaries()
    own = "CUTLOG_POSTGRES_BIN" in os.environ
    try:
        major, minor = postgres.version(folder)
    except postgres.PostgresUnavailable as error:
        mend = "unset CUTLOG_POSTGRES_BIN, or name the folder of postgres and initdb" if own else "make install"
        yield Finding("postgresql", "fail", str(error), mend)
        return
    what = f"PostgreSQL {major}.{minor}" + (f" in {folder}" if own else "")
    safe = postgres.SAFE.get(major, 0)
    if major < postgres.OLDEST:
        mend = f"unset CUTLOG_POSTGRES_BIN, or name PostgreSQL {postgres.OLDEST} or newer"
        yield Finding("postgresql", "fail", f"{what} is too old", mend)
    elif minor < safe:
        newer = f"its package to {major}.{safe} or newer" if own else "cutlog, then make install"
        lacks = f"{what} lacks security fixes of {major}.{safe}"
        yield Finding("postgresql", "warn", lacks, f"update {newer}; the data stays as it is")
    else:
        yield Finding("postgresql", "ok", what)


def _servers() -> Iterator[Finding]:
    for name, path, flag in (
        ("nats-server", nats.binary(), "--version"),
        ("caddy", gateway.binary(), "version"),
    ):
        printed = _printed(path, flag).strip().splitlines()
        if printed:
            yield Finding(name, "ok", printed[0][:80])
        else:
            yield Finding(name, "fail", f"{path} does not run", "make install")


def _account(data: Path) -> Iterator[Finding]:
    account = postgres_account([data])
    if account is None:
        yield Finding("account", "ok", "an ordinary user, who also runs PostgreSQL")
        return
    try:
        named_account(account)
    except AccountUnavailable as error:
        yield Finding("account", "fail", str(error), f"add a user {USER} to /etc/passwd, or run as an ordinary user")
        return
    how = "through folders that are closed to it" if account.traverse else "directly"
    others = f"other parts run as uids {SERVICES} to {GATEWAY}"
    yield Finding("account", "ok", f"root; PostgreSQL runs as uid {account.uid} and reaches {data} {how}; {others}")


def _port(data: Path, host: str, port: int) -> Iterator[Finding]:
    try:
        running = read_state(data)
    except (NotRunning, OSError):
        running = None
    if running is not None:
        yield Finding("port", "ok", f"a stack runs on {data} at {running.url}")
    elif reason := why_not(host, port):
        what, mend = reason
        yield Finding("port", "fail", what, mend)
    else:
        yield Finding("port", "ok", f"{host}:{port or 'any'} is free")


def _disk(data: Path) -> Iterator[Finding]:
    folder = next(each for each in (data, *data.parents) if _is_there(each))
    if not folder.is_dir():
        yield Finding("data", "fail", f"{folder} is a file, not a folder", "choose another --data")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("data", "fail", f"{folder} can't be written", "choose another --data, or change its owner")
        return
    free = shutil.disk_usage(folder).free
    level: Level = "fail" if free < LEAST_DISK else "warn" if free < GOOD_DISK else "ok"
    mend = "" if level == "ok" else f"keep {GOOD_DISK // GIB} GiB free, or put --data on a larger disk"
    yield Finding("disk", level, f"{free / GIB:.1f} GiB free at {folder}", mend)
    longest = len(str(Layout(data).objects)) + 200
    if longest > os.pathconf(folder, "PC_PATH_MAX"):
        yield Finding("data", "fail", f"{data} lies too deep for the paths of objects", "choose a shorter --data")


def _is_there(path: Path) -> bool:
    """Whether a path is known to exist: not, as far as we can see, where a folder on the way may not be entered."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def _memory() -> Iterator[Finding]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    level: Level = "fail" if total < LEAST_MEMORY else "warn" if total < GOOD_MEMORY else "ok"
    mend = "" if level == "ok" else f"give it {GOOD_MEMORY // GIB} GiB: encoders of large pictures need it"
    yield Finding("memory", level, f"{total / GIB:.1f} GiB, {os.cpu_count()} cores", mend)


def _files() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    level: Level = "ok" if soft >= LEAST_FILES else "warn"
    yield Finding("open files", level, f"{soft} (at most {hard})", "" if level == "ok" else f"ulimit -n {LEAST_FILES}")


def _printed(program: Path, *arguments: str) -> str:
    """What a program prints; nothing, if it can't be run."""
    try:
        result = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return result.stdout if result.returncode == 0 else ""

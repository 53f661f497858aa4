"""How what runs as another user for root reaches what lies in folders that are closed to it, such as /root.

Their modes are not ours to change. Where root may mount, each program gets mounts of its own in which the way is open
(`launcher.open_passages`). Where it may not, as in many containers, the closed folders themselves let these users
pass: an access control list gives each of them the right to walk through, and nothing else.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import struct
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

import cutlog
from cutlog.process.program import Passages, Program

ACL: Final = "system.posix_acl_access"
"""As the kernel keeps a list: a version, then tag, permissions and id of each entry; little-endian
(linux/posix_acl_xattr.h)."""
NAMED: Final = ("CUTLOG_FFMPEG", "CUTLOG_FONTS", "CUTLOG_POSTGRES_BIN")
_VERSION: Final = struct.pack("<I", 2)
_ENTRY: Final = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY: Final = 0xFFFFFFFF
_PASS: Final = 1


class ClosedFolder(RuntimeError):
    """Programs that do not run as root cannot reach what they need."""


def installed_paths() -> list[Path]:
    """What our programs read: the interpreter, its packages, this checkout, and what the environment names."""
    package = Path(str(cutlog.__file__)).resolve().parent
    paths = [*map(Path, (sys.executable, sys.prefix, sys.base_prefix, *sys.path)), package, package.parent]
    paths += [Path(os.environ[name]) for name in NAMED if os.environ.get(name)]
    return [path for path in paths if path.is_absolute()]


def passages_to(paths: Iterable[Path], users: Collection[int]) -> Passages:
    """What is to be opened so that users other than root reach these paths; where that can't be, they are let pass,
    and nothing is to be opened. Raises ClosedFolder."""
    wanted = closed_ways(paths, users)
    if not wanted or _may_mount(wanted):
        return wanted
    for folder, inside in wanted:
        for path in inside:
            for each in _closed(Path(path), below=Path(folder).parent):
                _let_pass(each, users)
    return ()


def closed_ways(paths: Iterable[Path], users: Collection[int] = ()) -> Passages:
    """The outermost closed folders on the way to these paths, with the paths below each. A path that is closed itself
    is nothing to be reached, unless one of the users owns it."""
    names = {path.absolute() for path in paths} | {path.resolve() for path in paths}
    ends = sorted((path for path in names if path.exists() and _may_enter(path, users)), key=_depth)
    ways: dict[Path, list[str]] = {}
    for path in ends:
        around = next((each for each in reversed(ends) if each != path and path.is_relative_to(each)), None)
        outermost = next(_closed(path, below=around), None)
        if outermost is not None:
            ways.setdefault(outermost, []).append(str(path))
    return tuple((str(folder), tuple(ways[folder])) for folder in sorted(ways, key=_depth))


def _depth(path: Path) -> tuple[int, str]:
    return len(path.parts), str(path)


def _closed(path: Path, below: Path | None) -> Iterator[Path]:
    """Closed folders on the way to a path, outermost first; only those below another, where that is given."""
    for folder in reversed(path.parents):
        if (below is None or (folder != below and folder.is_relative_to(below))) and _is_closed(folder):
            yield folder


def _is_closed(path: Path) -> bool:
    """Whether it is a folder that only its owner and its group may enter."""
    mode = path.stat().st_mode
    return stat.S_ISDIR(mode) and not mode & stat.S_IXOTH


def _may_enter(path: Path, users: Collection[int]) -> bool:
    return not _is_closed(path) or path.stat().st_uid in users


def _may_mount(passages: Passages) -> bool:
    tried = Program(name="passage", argv=[sys.executable, "-I", "-S", "-c", ""], env={}, passages=passages)
    return subprocess.run(tried.command(), env=tried.environment(), capture_output=True, check=False).returncode == 0


def _let_pass(folder: Path, users: Collection[int]) -> None:
    """Gives users the right to walk through a folder. Raises ClosedFolder."""
    try:
        entries = {(tag, who): may for tag, may, who in _acl(folder)}
        entries[_MASK, _NOBODY] = entries.get((_MASK, _NOBODY), entries[_GROUP, _NOBODY]) | _PASS
        entries |= {(_USER, user): _PASS for user in users}
        packed = (_ENTRY.pack(tag, may, who) for (tag, who), may in sorted(entries.items()))
        os.setxattr(folder, ACL, _VERSION + b"".join(packed))
    except OSError as error:
        raise ClosedFolder(
            f"Only its owner may enter {folder}, and it can't be opened for single users ({error.strerror}): move DATA"
            f" and the checkout elsewhere, or run chmod o+x {shlex.quote(str(folder))}"
        ) from None


def _acl(folder: Path) -> list[tuple[int, int, int]]:
    try:
        return [*_ENTRY.iter_unpack(os.getxattr(folder, ACL)[len(_VERSION) :])]
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
    mode = folder.stat().st_mode  # without a list, these three are all there is
    return [(_OWNER, mode >> 6 & 7, _NOBODY), (_GROUP, mode >> 3 & 7, _NOBODY), (_OTHERS, mode & 7, _NOBODY)]

"""Which ffmpeg, and which build of it exactly: a render's key depends on the build."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from functools import cache
from pathlib import Path

import msgspec

LIBRARY_ROOTS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
LOADER_CACHE = "/etc/ld.so.cache"


class BinaryNotFoundError(Exception):
    """There is no ffmpeg: set CUTLOG_FFMPEG to one, or install the package imageio-ffmpeg."""


class Binary(msgspec.Struct, frozen=True):
    """`identity` is the version and the SHA-256 of all that `-version` prints, configuration included."""

    path: Path
    version: str
    identity: str


def locate(configured: Path | None) -> Path:
    """The configured binary, else the one of the imageio-ffmpeg wheel. Raises BinaryNotFoundError."""
    if configured is not None:
        found = shutil.which(str(configured))
        if found is None:
            raise BinaryNotFoundError(f"CUTLOG_FFMPEG names {configured}, which is not an executable file")
        return Path(found).resolve()
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise BinaryNotFoundError(str(BinaryNotFoundError.__doc__)) from error
    # The wheel's own binary; its fallback to whatever PATH holds would make renders depend on the machine.
    bundled = sorted((Path(imageio_ffmpeg.__file__).parent / "binaries").glob("ffmpeg-*"))
    if not bundled:
        raise BinaryNotFoundError(str(BinaryNotFoundError.__doc__))
    return bundled[-1].resolve()


def identify(path: Path, banner: str) -> Binary:
    """The build that printed `banner` when asked for `-version`."""
    words = banner.split(maxsplit=3)
    version = words[2] if words[:2] == ["ffmpeg", "version"] else "unknown"
    return Binary(path, version, f"{version} {hashlib.sha256(banner.encode()).hexdigest()}")


@cache
def libraries(executable: Path) -> tuple[Path, ...]:
    """Folders and files that the dynamic loader must read to start `executable`."""
    roots = {Path(root).resolve() for root in LIBRARY_ROOTS}
    ldd = shutil.which("ldd")
    if ldd is not None:
        listed = subprocess.run([ldd, str(executable)], capture_output=True, text=True, check=False, timeout=30)
        for word in listed.stdout.split():
            if word.startswith("/"):
                roots.add(Path(word).resolve().parent)
    roots = {root for root in roots if root.is_dir()}
    outermost = [
        root for root in sorted(roots) if not any(root != other and root.is_relative_to(other) for other in roots)
    ]
    return (*outermost, *(path for path in [Path(LOADER_CACHE)] if path.is_file()))

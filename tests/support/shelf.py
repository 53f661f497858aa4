"""What is made once for a whole run of the tests and then lies in a folder, whichever worker of xdist made it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

VARIABLE: Final = "CUTLOG_TEST_SHELF"


def begin() -> Callable[[], None]:
    """Makes the folder of this run, which workers that are started from now on find; gives what deletes it."""
    folder = tempfile.mkdtemp(prefix="cutlog-shelf-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    os.environ[VARIABLE] = folder
    return partial(shutil.rmtree, folder, ignore_errors=True)


def once(key: object, make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled for this key: it gets an empty one, in this process or another. Only to be read:
    whoever changes what is there copies it."""
    place = Path(os.environ[VARIABLE]) / hashlib.sha256(repr(key).encode()).hexdigest()
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            unfinished = place.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(place)
    return place

"""Run as a script inside the sandbox: reads files of captions. Imports the standard library and our readers only.

Usage: read_captions.py FOLDER FILE  FILE is a JSON list of {kind, data}, whose data are in base64; prints a JSON list
                                     of {cues, dropped, moreDropped, lost} or {refused}
"""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def loaded(folder: str) -> Any:
    """The readers, from their folder alone."""
    spec = importlib.util.spec_from_file_location(
        "captions", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["captions"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return importlib.import_module("captions.reading")


def read(reading: Any, kind: str, data: bytes) -> dict[str, Any]:
    """What a file holds."""
    try:
        found = reading.read(kind, data)
    except reading.UnreadableError as error:
        return {"refused": str(error)}
    return {"cues": found.cues, "dropped": found.dropped, "moreDropped": found.more_dropped, "lost": found.lost}


def main(folder: str, path: str) -> str:
    """What to print."""
    reading = loaded(folder)
    if path == "--check":
        return "ok"
    files = json.loads(Path(path).read_bytes())
    return json.dumps([read(reading, file["kind"], base64.b64decode(file["data"])) for file in files])


if __name__ == "__main__":
    sys.stdout.buffer.write(main(*sys.argv[1:]).encode())

"""Run as a script inside the sandbox: turns a file of another editor into OpenTimelineIO's JSON.

Imports the standard library, our readers, OpenTimelineIO and its adapter for AAF only, from their folders, and never
touches cutlog: the sandbox does not show it. The adapter is called as plain functions: no plugin manifest, hook or
media linker takes part.
Usage: convert.py FOLDERS read FORMAT RATE FILE   prints `ok` or `refused` in a line, then JSON or the reason
"""

from __future__ import annotations

import gc
import importlib.util
import json
import re
import sys
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.parsers import expat

XML = {"fcp7xml": "fcp7", "fcpxml": "fcpxml", "kdenlive": "kdenlive"}
"""The formats that are XML, and their readers."""
MAX_DEPTH = 200
MAX_ELEMENTS = 500_000
BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.S)


class RefusedError(Exception):
    """The file is not what it should be."""


class Library:
    """OpenTimelineIO and its adapter, from their folders alone: site-packages itself is out of sight."""

    def __init__(self, folders: list[str]) -> None:
        self._package, self._aaf, self._aaf2, readers = folders
        _module("readers", f"{readers}/__init__.py", [readers])

    @cached_property
    def core(self) -> Any:
        """OpenTimelineIO itself: to load it takes longer than to start this process, and our readers do without."""
        _module("opentimelineio", f"{self._package}/__init__.py", [self._package])
        return importlib.import_module("opentimelineio.core")

    def aaf(self) -> Any:
        """The adapter, without its hooks."""
        assert self.core, "it is loaded before its adapter"
        _module("aaf2", f"{self._aaf2}/__init__.py", [self._aaf2])
        _module("otio_aaf_adapter", f"{self._aaf}/__init__.py", [self._aaf])
        hooks: Any = importlib.import_module("otio_aaf_adapter.adapters.aaf_adapter.hooks")
        hooks.run_pre_read_transcribe_hook = lambda *_, **__: None
        hooks.run_post_read_transcribe_hook = lambda timeline, *_, **__: timeline
        return importlib.import_module("otio_aaf_adapter.adapters.advanced_authoring_format")

    def reader(self, name: str) -> Any:
        """A reader of our own."""
        return importlib.import_module(f"readers.{name}")

    def flat(self, found: Any) -> str:
        """JSON of an object, with null for what JSON has no number for."""
        if isinstance(found, dict):
            return json.dumps(found, ensure_ascii=False, allow_nan=False)
        text = str(self.core.serialize_json_to_string(found, indent=-1))
        if "Infinity" in text or "NaN" in text:
            text = json.dumps(json.loads(text, parse_constant=lambda _: None), ensure_ascii=False)
        return text


def _module(name: str, path: str, folders: list[str] | None = None) -> Any:
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def shallow(document: bytes) -> bytes:
    """The same JSON, unless it is nested so deep that a reader would run out of stack."""
    depth = 0
    for match in TOKEN.finditer(document):
        first = match[0][:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise RefusedError(f"it is nested more than {MAX_DEPTH} deep")
        elif first in b"]}":
            depth -= 1
    return document


def plain(document: bytes) -> bytes:
    """The same XML, unless it declares a document type, and with that entities, or is nested too deep."""
    depth = elements = 0

    def declared(*_: Any) -> None:
        raise RefusedError("it has a document type declaration; leave it out, as entities are never read")

    def opened(*_: Any) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > MAX_DEPTH or elements > MAX_ELEMENTS:
            raise RefusedError(f"it has more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")

    def closed(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    # Final Cut writes <!DOCTYPE xmeml> or fcpxml, which declares nothing and names no file.
    document = re.sub(rb"<!DOCTYPE\s+(?:xmeml|fcpxml)\s*>", b"", document[:4096], count=1) + document[4096:]
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.Parse(document, True)
    return document


def decoded(document: bytes) -> str:
    """Text of unknown encoding: what its mark says, else UTF-8, else Windows' Western European."""
    for mark, encoding in BOMS.items():
        if document.startswith(mark):
            return document[len(mark) :].decode(encoding)
    try:
        return document.decode("utf-8")
    except UnicodeDecodeError:
        return document.decode("cp1252", errors="replace")


def read(library: Library, kind: str, rate: Fraction, document: bytes, path: str = "") -> Any:
    """The OpenTimelineIO object that a file holds, which for some formats is read from where it is."""
    if kind == "aaf":
        return library.reader("aaf").read(library.aaf(), path)
    if kind == "otio":
        return library.core.deserialize_json_from_string(shallow(document).decode("utf-8-sig"))
    if kind in XML:
        return library.reader(XML[kind]).read(plain(document))
    return library.reader("cmx3600").read(decoded(document), rate)


def main(folders: str, action: str, kind: str = "", rate: str = "0", path: str = "") -> str:
    """What to print."""
    gc.disable()  # the process ends with the file that it reads, and its objects stay until then
    library = Library(folders.split(":"))
    if action == "--check":
        return "ok\n" if library.core else ""
    document = Path(path).read_bytes()
    try:
        return "ok\n" + library.flat(read(library, kind, Fraction(rate), document, path))
    except Exception as error:
        reason = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        return f"refused\n{type(error).__name__ + ': ' if type(error).__name__ != 'Refused' else ''}{reason[:500]}"


if __name__ == "__main__":
    # What adapters print is no result.
    result, sys.stdout = sys.stdout, sys.stderr
    result.buffer.write(main(*sys.argv[1:]).encode("utf-8", "replace"))
    result.flush()

"""The laws of the architecture that a machine can check (ARCHITECTURE.md states them all)."""

from __future__ import annotations

import ast
import gc
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from cutlog.contract import keys
from tests.laws.modules import ROOT, Module, dotted, module_of, modules, modules_of_tests, nodes

DECLARATION = re.compile(r"\bPure\b[.,:;]")
"""The word in the docstring of a module or folder that binds it, and all that a folder holds, to the law of purity."""

EXEMPT = {"cutlog", "cutlog.contract", "cutlog.contract.ids", "services"}
"""Packages' own files; and ids, of which pure modules may check the shape, but make none."""

LIBRARIES_OF_THOUGHT = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "html", "inspect", "itertools", "json", "math",
    "operator", "pathlib", "re", "string", "struct", "textwrap", "types", "typing", "unicodedata", "uuid",
    "xml", "msgspec", "ffmpeg", "numpy", "hmac", "urllib.parse", "email.utils",
}  # fmt: skip
"""What a pure module may import from outside. `ffmpeg` builds graphs and runs nothing; see the law on it."""

BARE = {"open", "input", "print", "time", "uuid4", "uuid7", "new_id", "urandom", "random"}
METHODS = BARE - {"open", "input"} | {
    "now", "utcnow", "today", "time_ns", "monotonic", "uuid1", "read_text", "read_bytes", "write_text", "write_bytes",
    "mkdir", "exists", "stat",
}  # fmt: skip
"""Calls that ask a clock, dice or a disk: by a bare name, or as an attribute of something."""

VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "base_service"}


def under(name: str, places: Iterable[str]) -> bool:
    return any(name == place or name.startswith(place + ".") for place in places)


@cache
def pure() -> tuple[str, ...]:
    """Modules and packages that decide: same arguments, same answer. The contract is among them, but for its maker of
    new ids."""
    return tuple(
        name
        for name, module in modules().items()
        if DECLARATION.search(ast.get_docstring(module.tree) or "")
        or (name.startswith("cutlog.contract.") and name != "cutlog.contract.ids")
    )


def pure_modules() -> list[Module]:
    return [module for name, module in modules().items() if under(name, pure())]


def offenders(pattern: str, allowed: tuple[str, ...]) -> list[str]:
    """Modules outside `allowed` that import `pattern` or something of it."""
    return [
        name
        for name, module in modules().items()
        if not under(name, allowed) and any(under(imported, (pattern,)) for imported in module.imports)
    ]


def test_no_service_imports_another_and_the_library_none() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_rooms_that_decide_are_declared_pure() -> None:
    rooms = (
        "ops.edits",
        "ops.decide",
        "ops.legacy",
        "render.plan",
        "render.audio",
        "render.compile",
        "gc.rules",
        "media.facts",
    )
    assert {f"services.{room}" for room in rooms} <= set(pure())


def test_pure_modules_import_nothing_that_acts() -> None:
    pure_too = (*pure(), *also_pure())
    acting = [
        f"{module.name} imports {imported}"
        for module in pure_modules()
        for imported in module.imports
        if not (
            (own.name in EXEMPT or under(own.name, pure_too))
            if (own := module_of(imported))
            else under(imported, LIBRARIES_OF_THOUGHT)
        )
    ]
    assert acting == []


def test_pure_modules_ask_no_clock_and_no_dice() -> None:
    assert {module.name: asking for module in pure_modules() if (asking := acts(module))} == {}


def acts(module: Module) -> list[str]:
    """Its calls that ask the outside."""
    asking = BARE - {node.name for node in nodes(module.tree) if isinstance(node, ast.FunctionDef)}
    return [call for call in module.calls if call in asking or ("." in call and call.rpartition(".")[2] in METHODS)]


@cache
def also_pure() -> tuple[str, ...]:
    """Modules that keep the same law without being named in it: all that they import does."""
    known = modules()
    keeping = {
        name
        for name, module in known.items()
        if all(module_of(imported) is not None or under(imported, LIBRARIES_OF_THOUGHT) for imported in module.imports)
        and not acts(module)
    }
    while True:
        fallen = {
            name
            for name in keeping
            for imported in known[name].imports
            if (own := module_of(imported)) and own.name not in keeping and own.name not in EXEMPT
        }
        if not fallen:
            return tuple(keeping)
        keeping -= fallen


def test_only_compile_imports_ffmpeg_python() -> None:
    assert offenders("ffmpeg", ("services.render.compile",)) == []


def test_only_cutlog_ffmpeg_confines_and_starts_programs_that_read_media() -> None:
    assert offenders("sandlock", ("cutlog.ffmpeg", "cutlog.jail")) == []
    assert offenders("imageio_ffmpeg", ("cutlog.ffmpeg",)) == []
    assert offenders("subprocess", ("cutlog.ffmpeg", "cutlog.jail", "cutlog.operate.stack", "cutlog.operate.cli")) == []
    starting = [
        name
        for name, module in modules().items()
        if any("create_subprocess" in call or call.startswith("os.exec") for call in module.calls)
    ]
    starters = ("cutlog.ffmpeg", "cutlog.process", "cutlog.operate.stack", "cutlog.operate.cli")
    assert [name for name in starting if not under(name, starters)] == []


def test_every_input_of_ffmpeg_names_its_demuxer() -> None:
    """Otherwise ffmpeg judges a file by the ending of its name, too."""
    nameless = [
        name
        for name, module in modules().items()
        for before, line in zip(("", *module.lines), module.lines, strict=False)
        if ("ffmpeg.input(" in line and "f=" not in line)
        or ('"-i"' in line and '"-f"' not in before + line and name != "cutlog.ffmpeg.allow")
    ]
    assert nameless == []


def test_only_composition_roots_and_the_command_line_read_the_environment() -> None:
    reading = [
        name
        for name, module in modules().items()
        if any(word in line for line in module.lines for word in ("os.environ", "os.getenv"))
    ]
    roots = ("cutlog.operate.cli", "cutlog.operate.stack", "cutlog.process")
    assert [name for name in reading if not under(name, roots)] == []
    building = [name for name, module in modules().items() if "Settings" in set(module.calls)]
    assert [name for name in building if not (under(name, roots) or name.endswith(".bootstrap"))] == []


def test_only_bootstraps_make_engines_and_connect_the_bus() -> None:
    makers = [
        name
        for name, module in modules().items()
        if name.startswith("services.") and {"create_engine", "Bus.connect", "Ffmpeg.find"} & set(module.calls)
    ]
    assert [name for name in makers if not name.endswith(".bootstrap")] == []


def test_only_one_module_connects_to_postgresql_so_that_no_connection_waits_for_a_vanished_host() -> None:
    connecting = [
        name for name, module in modules().items() if {"asyncpg.connect", "create_async_engine"} & set(module.calls)
    ]
    assert connecting == ["cutlog.db.connecting"]


def test_only_ops_folds_edits() -> None:
    assert offenders("cutlog.contract.ops", ("services.ops", "cutlog")) == []


def test_only_the_routes_of_ops_know_http() -> None:
    """What decides, appends and reads is asked for and answers in data; nothing of HTTP runs under its locks."""
    top = ("services.ops.api", "services.ops.compat", "services.ops.bootstrap")
    speaking = {*offenders("aiohttp", top), *offenders("cutlog.web", top)}
    assert [name for name in sorted(speaking) if name.startswith("services.ops.")] == []


def test_only_the_grammar_builds_and_splits_object_keys() -> None:
    families = tuple(f"{family}/" for family in keys.FAMILIES)
    makers = [
        name
        for name, module in modules().items()
        if not under(name, ("cutlog.contract.keys", "cutlog.operate.backfill", "services.render.api.preview"))
        for node in nodes(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(families)
    ]
    assert makers == [], "the legacy store and the paths of playlists have keys of their own"


def test_no_module_has_a_vague_name_or_is_too_long() -> None:
    for name, module in modules().items():
        assert not VAGUE & set(name.split(".")), name
        assert len(module.lines) <= 400, name


def test_every_module_says_what_it_is() -> None:
    silent = [
        name
        for name, module in modules().items()
        if module.lines and "_pb2" not in name and ast.get_docstring(module.tree) is None
    ]
    assert silent == []


def test_no_test_imports_from_a_test_module() -> None:
    """What several tests share stands in a module that is none: else a move of one test breaks another."""
    found = []
    for path, tree in modules_of_tests().items():
        for node in nodes(tree):
            match node:
                case ast.Import():
                    names = [each.name for each in node.names]
                case ast.ImportFrom():
                    names = [node.module or "", *(f"{node.module}.{each.name}" for each in node.names)]
                case ast.Call(args=[ast.Constant(value=str() as name), *_]) if "import_module" in dotted(node.func):
                    names = [name]
                case _:
                    continue
            found += [f"{path.relative_to(ROOT)}:{node.lineno}" for name in names if is_test_module(name, path)]
    assert found == []


def is_test_module(name: str, importing: Path) -> bool:
    """Whether a dotted name, absolute or beside the module that imports it, leads to a module of tests."""
    places = (ROOT, importing.parent)
    return any(
        part.startswith("test_") and any((place.joinpath(*parts[:end])).with_suffix(".py").exists() for place in places)
        for parts in [name.split(".")]
        for end, part in enumerate(parts, 1)
    )


def test_no_test_sleeps_a_fixed_time_in_place_of_waiting() -> None:
    """A sleep within a loop paces it; one outside hopes that something has happened by then, or has not. What disturbs
    others for a while, as long as it is told, waits for nothing."""
    found = []
    for path, tree in modules_of_tests().items():
        loops = [node for node in nodes(tree) if isinstance(node, ast.For | ast.AsyncFor | ast.While)]
        paced = {id(node) for loop in loops for node in ast.walk(loop)}
        found += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in nodes(tree)
            if isinstance(node, ast.Call)
            and dotted(node.func).rpartition(".")[2] == "sleep"
            and any(ast.unparse(each) not in ("0", "seconds") for each in node.args)
            and id(node) not in paced
        ]
    assert not found


def test_no_test_changes_a_constant_of_a_module() -> None:
    """Timeouts, delays and limits are arguments: a test that needs others gives others, and what it gives reaches all
    that it concerns."""
    found = []
    for path, tree in modules_of_tests().items():
        for node in nodes(tree):
            match node:
                case ast.Call(func=func, args=[ast.Constant(value=str() as where), *_]):
                    changes, constant = dotted(func).endswith(("setattr", "patch")), where.rpartition(".")[2]
                case ast.Call(func=func, args=[_, ast.Constant(value=str() as constant), *_]):
                    changes = dotted(func).endswith(("setattr", "patch.object"))
                case _:
                    continue
            if changes and constant.isupper():
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_what_runs_in_the_slow_lane_only_says_why() -> None:
    """`make test` is to stay cheap, and nothing is to leave it without a reason that somebody can judge."""
    silent = []
    for path, tree in modules_of_tests().items():
        reasoned = set()
        for node in nodes(tree):
            if isinstance(node, ast.Call) and _name(node.func) in ("mark.slow", "mark.few", "later"):
                given = [each.value for each in node.keywords if each.arg == "reason"]
                if not given and _name(node.func) != "mark.few":
                    given = node.args[:1]
                if given and (not isinstance(given[0], ast.Constant) or given[0].value):
                    reasoned.add(id(node.func))
        silent += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in nodes(tree)
            if isinstance(node, ast.Attribute) and _name(node) in ("mark.slow", "mark.few") and id(node) not in reasoned
        ]
    assert silent == []


def _name(node: ast.expr) -> str:
    """The last two words of a dotted name, without pytest's own."""
    return dotted(node).removeprefix("pytest.")


def test_the_builtin_gc_is_not_shadowed() -> None:
    assert gc.isenabled()
    assert str(ROOT / "services") not in sys.path

"""How many small defects the fast tests of each pure folder notice: `make mutate`, or `make mutate FOLDER=rules`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutation.mutants import Mutant, sample
from tests.mutation.trial import ended, passes, preload

MUTANTS: Final = 150
SEED: Final = 20
PATIENCE: Final = 600.0


class Folder(NamedTuple):
    """Code that decides, and the tests that are fast and about it."""

    code: str
    names: str

    @property
    def tests(self) -> list[str]:
        package = self.code.removesuffix(".py").replace("/", ".")
        package = "cutlog.contract" if package.startswith("cutlog.contract.") else package
        frozen = f"tests/laws/test_frozen.py::test_structs_are_frozen[{package}]"
        return [*(f"tests/{name}.py" for name in self.names.split()), frozen]


FOLDERS: Final = {
    "keys": Folder("cutlog/contract/keys.py", "proto/test_object_keys proto/test_receipts"),
    "receipts": Folder("cutlog/contract/receipts.py", "proto/test_receipts"),
    "rules": Folder("services/gc/rules", "gc/test_policy gc/test_plan gc/test_projection"),
    "facts": Folder(
        "services/media/facts", "media/test_facts media/test_any_facts media/test_downmix media/test_naming"
    ),
    "decide": Folder(
        "services/ops/decide",
        "ops/test_decide ops/test_decide_collecting ops/test_names ops/test_edit_laws_machine",
    ),
    "plan": Folder(
        "services/render/plan",
        "render/test_plan render/test_spans render/test_keys render/test_geometry render/test_newest",
    ),
    "edits": Folder(
        "services/ops/edits",
        "ops/test_edits ops/test_edits_finishing ops/test_edits_shifting ops/test_edits_timing ops/test_edits_values "
        "ops/test_links ops/test_pasting ops/test_vocabulary ops/test_clip_content ops/test_lettering "
        "ops/test_edits_digest ops/test_edit_laws",
    ),
}


def main(names: list[str]) -> None:
    jobs = int(os.environ.get("JOBS", str(os.cpu_count() or 1)))
    for name in names or FOLDERS:
        folder, begun = FOLDERS[name], time.monotonic()
        code = Path(folder.code)
        paths = [code] if code.is_file() else sorted(code.rglob("*.py"))
        mutants = sample(paths, MUTANTS, SEED)
        pid = os.fork()
        if pid == 0:
            # Each folder has a process of its own: what it loads can't be unloaded.
            survivors = _survivors(mutants, folder.tests, jobs)
            noticed = len(mutants) - len(survivors)
            row = f"| {name} | {len(mutants)} | {noticed} ({noticed / len(mutants):.0%}) |"
            sys.stdout.write("\n".join([*map(str, survivors), row, f"in {time.monotonic() - begun:.0f} s", ""]))
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status:
            raise SystemExit(1)


def _survivors(mutants: list[Mutant], tests: Sequence[str], jobs: int) -> list[Mutant]:
    seconds = 5 * preload(tests) + 10
    waiting, running, survivors = list(reversed(mutants)), dict[int, Mutant](), []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running[passes(tests, mutant.path, mutant.code(), seconds)] = mutant
        for pid, passed in ended(list(running), PATIENCE).items():
            mutant = running.pop(pid)
            if passed:
                survivors.append(mutant)
    return survivors


main(sys.argv[1:])

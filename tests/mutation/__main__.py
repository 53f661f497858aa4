"""How many small defects the fast tests of each pure folder notice: `make mutate`, or `make mutate FOLDER=rules`."""

from __future__ import annotations

import os
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutation.equal import why
from tests.mutation.mutants import sample
from tests.mutation.processes import Trial, statuses
from tests.mutation.trials import LONGEST, survivors

MUTANTS: Final = 150
SEED: Final = 20


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
    "rules": Folder("services/gc/rules", "gc/test_policy gc/test_plan gc/test_classes gc/test_fold"),
    "facts": Folder(
        "services/media/facts",
        "media/test_facts media/test_any_facts media/test_downmix media/test_naming media/test_rates "
        "media/test_streams",
    ),
    "decide": Folder(
        "services/ops/decide",
        "ops/test_decide ops/test_decide_collecting ops/test_decide_facts ops/test_decide_importing "
        "ops/test_decide_media ops/test_edit_laws_machine backfill/test_translate",
    ),
    "plan": Folder(
        "services/render/plan",
        "render/test_plan render/test_spans render/test_keys render/test_geometry render/test_newest render/test_names "
        "render/test_layers render/test_looks render/test_segments render/test_named_streams render/test_taking_over",
    ),
    "edits": Folder(
        "services/ops/edits",
        "ops/test_edits ops/test_edits_finishing ops/test_edits_shifting ops/test_edits_timing ops/test_edits_values "
        "ops/test_undo ops/test_links ops/test_pasting ops/test_vocabulary ops/test_clip_content ops/test_lettering "
        "ops/test_edits_digest ops/test_edit_laws ops/test_digest ops/test_diff ops/test_rebase ops/test_spans "
        "ops/test_budgets ops/test_edits_places backfill/test_translate interchange/test_subtitle_files",
    ),
}


def main(names: list[str]) -> None:
    jobs = int(os.environ.get("JOBS", str(os.cpu_count() or 1)))
    seed = int(os.environ.get("SEED", str(SEED)))
    for name in names or FOLDERS:
        # Each folder has a process of its own: what it loads can't be unloaded.
        if statuses([Trial(partial(_ask, name, seed, jobs), LONGEST, LONGEST)], 1) != [0]:
            raise SystemExit(1)


def _ask(name: str, seed: int, jobs: int) -> int:
    folder, begun = FOLDERS[name], time.monotonic()
    code = Path(folder.code)
    mutants = sample([code] if code.is_file() else sorted(code.rglob("*.py")), MUTANTS, seed)
    left = survivors(mutants, folder.tests, jobs)
    explained = [mutant for mutant in left if why(mutant)]
    noticed, counted = len(mutants) - len(left), len(mutants) - len(explained)
    spent = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    told = [f"{mutant}\n  {why(mutant) or ''}".rstrip() for mutant in left]
    told.append(f"| {name} | {len(mutants)} | {len(explained)} | {noticed} ({noticed / counted:.0%}) |")
    told.append(f"{time.monotonic() - begun:.0f} s, {spent:.0f} s of processor time\n")
    sys.stdout.write("\n".join(told))
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])

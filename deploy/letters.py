"""Writes cutlog/contract/shipped.py: the characters that the shipped fonts have. Run by `make letters`."""

from __future__ import annotations

from pathlib import Path

from cutlog.hosting.installed_fonts import characters, ranges
from services.render.produce.lettering import folders_of_fonts

TABLE = Path(__file__).parents[1] / "cutlog" / "contract" / "shipped.py"
HEAD = '''"""The characters that the shipped fonts have, as ranges of code points. Written by `make letters`."""

from __future__ import annotations

from typing import Final

RANGES: Final = (
'''


def table() -> str:
    """The module's text."""
    words = [
        f"{first:x}" if first == last else f"{first:x}-{last:x}"
        for first, last in ranges(characters(folders_of_fonts()))
    ]
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 105:
            lines.append(line)
            line = ""
        line += f"{word} "
    return HEAD + "".join(f'    "{each}"\n' for each in [*lines, line.rstrip()]) + ")\n"


if __name__ == "__main__":
    TABLE.write_text(table())

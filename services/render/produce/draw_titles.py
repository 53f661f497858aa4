"""Run as a script inside the sandbox: draws titles with Typst and prints each as a PNG after its length (8 bytes).

Imports the standard library and Typst only, and never touches cutlog: the sandbox does not show it.
Usage: draw_titles.py TYPST_FOLDER TEMPLATE TITLES FONT_FOLDER [FONT_FOLDER ...]; TITLES is a JSON list of what the
template takes but for `fonts` and `emoji`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

#: What has a character that the title's own font lacks: these first, all others by name, these last.
FIRST = ["Noto Sans"]
UPLOADED = "cutlog-"
LAST = ["Noto Sans CJK TC", EMOJI := "Noto Color Emoji"]


def in_order(families: list[str]) -> list[str]:
    """The families in the order in which they are asked for a character."""
    others = [family for family in families if family not in FIRST and family not in LAST]
    return [*FIRST, *others, *LAST]


def load(folder: str) -> ModuleType:
    """Typst, from its own folder alone: the one around it is not shown in every sandbox."""
    spec = importlib.util.spec_from_file_location(
        "typst", Path(folder) / "__init__.py", submodule_search_locations=[folder]
    )
    assert spec is not None, folder
    assert spec.loader is not None, folder
    module = sys.modules["typst"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(folder: str, *arguments: str) -> None:
    typst = load(folder)
    out = sys.stdout.buffer
    if arguments == ("--check",):
        out.write(b"ok")
        return
    template, titles, *folders = arguments
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    families = fonts.families()
    # Those of uploads are for the titles that name them: what another title looks like never depends on them.
    others = in_order([family for family in families if not family.startswith(UPLOADED)])
    source = Path(template).read_bytes()
    for title in json.loads(Path(titles).read_bytes()):
        assert title["family"] in families, f"font {title['family']} can't be read"
        title["fonts"] = [title["family"], *(family for family in others if family != title["family"])]
        title["emoji"] = title["emoji"] or EMOJI
        compiler = typst.Compiler(source, font_paths=fonts, sys_inputs={"title": json.dumps(title)})
        png = compiler.compile(format="png", ppi=72.0)
        assert isinstance(png, bytes), "a title is one page"
        out.write(len(png).to_bytes(8, "big"))
        out.write(png)


if __name__ == "__main__":
    main(*sys.argv[1:])

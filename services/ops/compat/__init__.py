"""The old backend's routes of projects, below `/api/compat/`: each is one of ours in another form.

docs/COMPATIBILITY.md shows them side by side.
"""

from __future__ import annotations

from cutlog.web import Api
from services.ops.api.context import Ops
from services.ops.compat import edits, exports, files, projects
from services.ops.compat.marks import Marks
from services.ops.compat.reads import OldRows


def routes(api: Api, ops: Ops, rows: OldRows, marks: Marks) -> None:
    """Adds the routes."""
    projects.routes(api, ops, rows)
    edits.routes(api, ops, rows)
    exports.routes(api, ops, rows, marks)
    files.routes(api, ops, rows)

"""The one way an op can fail."""

from __future__ import annotations

from services.ops.errors import OpsError


def some_frames(count: int) -> str:
    """A number of frames, as one says it."""
    return f"{count} frame" if count == 1 else f"{count} frames"


class EditError(OpsError):
    """An op does not apply. `pointer` is a JSON pointer within the op (in a batch: `/ops/<i>/…`), `detail` a sentence
    that says what would be right."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer}: {detail}")
        self.pointer = pointer
        self.detail = detail

    def within(self, prefix: str) -> EditError:
        """The same error, seen from further out."""
        return EditError(prefix + self.pointer, self.detail)

"""Advanced Authoring Format, by OpenTimelineIO's adapter.

The adapter copies every property of every object into metadata, and composes names for a log that nobody reads. Only
what it, or whoever reads its timeline, looks at is copied here.
"""

from __future__ import annotations

from typing import Any, Final

_LOOKED_AT: Final = frozenset(
    {"Name", "Length", "SlotID", "PhysicalTrackNumber", "DescribedSlots", "Position", "Comment", "UserComments",
     "CommentMarkerAttributeList", "CommentMarkerColor", "Operation", "Parameters", "CutPoint"}
)  # fmt: skip


def read(adapter: Any, path: str) -> Any:
    """The timeline of a file. `adapter` is the module, which is changed."""

    def properties(item: Any) -> dict[str, Any]:
        found = {"ClassName": adapter._get_class_name(item)}
        for each in item.properties():
            if each.name in _LOOKED_AT:
                found[each.name] = adapter._transcribe_property(each.value, owner=item)
        return found

    adapter._transcribe_aaf_object_properties = properties
    adapter._encoded_name = adapter._transcribe_log = lambda *_: b""
    return adapter.read_from_file(path)

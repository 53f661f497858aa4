"""Reads files of other editors as OpenTimelineIO's objects.

Pure, and of the standard library alone: it runs in the sandbox, where nothing else can be imported. What a reader can't
keep it notes in the timeline's `metadata.losses`: nothing is left out in silence.
"""

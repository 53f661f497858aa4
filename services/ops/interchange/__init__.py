"""Timelines to and from other editors: OpenTimelineIO, CMX 3600 EDL, Final Cut Pro 7 XML.

`export` and `reading` are pure and know OpenTimelineIO only; `converter` turns files of the other formats into it and
back, in a confined child. What a format can't hold is told in `losses`, never dropped in silence.
"""

"""Log lines where they can't all be written."""

from __future__ import annotations

import errno
import io
import json
from pathlib import Path
from typing import BinaryIO, cast

from cutlog.hosting.logs import Sink, rendered


class Disk(io.RawIOBase):
    """A file with `room` for so many bytes, which takes what fits, as a disk does that is full then."""

    def __init__(self) -> None:
        self.written, self.room = b"", 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(cast(memoryview, data))[: self.room]
        if not part:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written += part
        self.room -= len(part)
        return len(part)


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        sink = Sink(full)
        for _ in range(3):
            sink.soon(b"{}")
            sink.now(b"{}")


def test_a_torn_line_is_ended_when_there_is_room_again() -> None:
    disk = Disk()
    sink = Sink(cast(BinaryIO, disk))
    lines = [json.dumps({"line": number}).encode() for number in range(4)]
    disk.room = len(lines[0]) + 4
    for line in lines[:3]:
        sink.now(line)
    assert disk.written == lines[0] + b"\n" + lines[1][:3]
    disk.room = 1000
    sink.now(lines[3])
    sink.now(lines[0])
    assert disk.written.splitlines() == [lines[0], lines[1][:3], lines[3], lines[0]]


def test_what_a_stranger_sends_stays_in_its_line_and_moves_no_cursor() -> None:
    path = '/api/x\r\n{"event": "forged"}\x1b[2J\x9b2J\u202e\u2028é\ud800'
    line = rendered(None, "", {"event": "http.request", "path": path})
    assert not set(line.decode()) & set("\r\n\x1b\x9b\u202e\u2028")
    assert json.loads(line)["path"] == path
    assert "é" in rendered(None, "", {"path": "é\x9b"}).decode(), "letters are not escaped"

"""Whether a stack left anything running."""

from __future__ import annotations

from pathlib import Path

from cutlog.operate.stack.processes import in_folder, in_session, process


def remains(data: Path, pids: list[int]) -> list[str]:
    """Living processes among `pids`, in their sessions, or with a working directory of the stack, as text."""
    found = {alive.pid: alive for pid in pids for alive in in_session(pid)}
    found |= {alive.pid: alive for pid in pids if (alive := process(pid)) and alive.alive}
    for folder in (data, data / "postgres", data / "postgres" / "data", data / "nats", data / "caddy"):
        if folder.is_dir():
            found |= {alive.pid: alive for alive in in_folder(folder)}
    return [f"{pid} {_command(pid)}" for pid in found]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except FileNotFoundError:
        return "(has just ended)"

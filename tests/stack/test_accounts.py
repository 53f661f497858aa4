"""As whom PostgreSQL runs for root, on machines that have not heard of cutlog."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest

from cutlog.operate.stack.account import POSTGRES
from cutlog.operate.stack.processes import in_folder
from cutlog.process.program import Account, Program
from tests.support.running import complete
from tests.support.stacks import RunningStack

NEW_MACHINE = """
import ctypes, os, sys
from pathlib import Path
from tests.support.small_stack import main

libc = ctypes.CDLL(None, use_errno=True)
for call, arguments in (
    (libc.unshare, (0x20000,)),
    (libc.mount, (b"none", b"/", None, 0x44000, None)),
    (libc.mount, (sys.argv[1].encode(), b"/etc/passwd", None, 0x1000, None)),
    (libc.mount, (sys.argv[2].encode(), b"/etc/nsswitch.conf", None, 0x1000, None)),
):
    if call(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
main(Path(sys.argv[3]))
"""
"""A small stack on a machine with other users: those of the file that is its first argument."""

MAY_MOUNT = os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0

pytestmark = pytest.mark.skipif(not MAY_MOUNT, reason="needs root that may mount")


def new_machine(folder: Path, users: str) -> RunningStack:
    for name, content in (("passwd", users), ("nsswitch.conf", "passwd: files\ngroup: files\n")):
        (folder / name).write_text(content)
    files = [str(folder / name) for name in ("passwd", "nsswitch.conf")]
    return RunningStack(folder / "data", ("-c", NEW_MACHINE, *files), env={"PATH": "/usr/bin:/bin"})


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_root_needs_no_user_of_ours_and_no_program_that_makes_one(tmp_path: Path) -> None:
    users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
    running = new_machine(tmp_path, users)
    running.start()
    try:
        cluster = running.data / "postgres"
        assert {path.lstat().st_uid for path in [cluster, *cluster.rglob("*")]} == {POSTGRES}
        backends = in_folder(cluster / "data")
        assert {Path(f"/proc/{found.pid}").stat().st_uid for found in backends} == {POSTGRES}
        assert complete(_answer(running)) == 1
        assert (tmp_path / "passwd").read_text() == users
    finally:
        assert running.signal(signal.SIGTERM) == 0


def test_programs_in_a_folder_that_only_root_may_enter_are_found_by_who_asks_first(tmp_path: Path) -> None:
    """initdb asks access(2) before it starts the server's program, which lies in root's home as a rule."""
    closed = tmp_path / "home"
    (closed / "bin").mkdir(parents=True, mode=0o755)
    shutil.copy("/bin/true", closed / "bin" / "program")
    closed.chmod(0o700)
    code = "import os, sys; print(os.getuid(), os.access(sys.argv[1], os.X_OK), open('/proc/self/status').read())"
    argv = ["/usr/bin/python3", "-c", code, str(closed / "bin" / "program")]
    for traverse in (True, False):
        program = Program(name="asks", argv=argv, env={}, account=Account(POSTGRES, POSTGRES, traverse=traverse))
        said = subprocess.run(program.command(), capture_output=True, text=True, check=True).stdout
        assert said.startswith(f"{POSTGRES} {traverse} ")
        kept = int(re.findall(r"^CapEff:\s*(\w+)$", said, re.MULTILINE)[0], 16)
        assert kept.bit_count() == traverse


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_where_no_other_user_has_a_name_root_is_told_what_to_do(tmp_path: Path) -> None:
    running = new_machine(tmp_path, "root:x:0:0::/root:/bin/sh\n")
    running.begin()
    assert running.wait() == 1
    assert "/etc/passwd" in running.output


async def _answer(running: RunningStack) -> object:
    password = running.secrets.database("owner")
    connection = await asyncpg.connect(
        f"postgresql://postgres:{password}@127.0.0.1:{running.state.postgres_port}/cutlog"
    )
    try:
        return await connection.fetchval("SELECT 1")
    finally:
        await connection.close()

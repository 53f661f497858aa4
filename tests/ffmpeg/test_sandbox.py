"""What a child in the sandbox can't do, tried by children that try."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutlog.ffmpeg import Ffmpeg, FfmpegFailedError, Limits, SandboxUnavailableError, process
from cutlog.ffmpeg.binaries import libraries
from cutlog.ffmpeg.sandbox import BubblewrapJail, Jail, Room, SandlockJail
from tests.ffmpeg.conftest import Wanted
from tests.support import hostile
from tests.support.painting import Painter

PYTHON = Path(sys.executable).resolve()
LIMITS = Limits(memory=256 << 20, seconds=30, output_bytes=1 << 20)

BWRAP = shutil.which("bwrap")


def without_bubblewrap() -> str | None:
    """Why it can't be tried here."""
    if BWRAP is None:
        return "bwrap: not installed"
    done = subprocess.run([BWRAP, "--unshare-all", "--ro-bind", "/", "/", "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"bwrap: {done.stderr.strip()}"


WHY_NOT = without_bubblewrap()
JAILS = [
    pytest.param(SandlockJail(), id="sandlock"),
    pytest.param(
        BubblewrapJail(BWRAP or ""), id="bubblewrap", marks=pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "")
    ),
]


@pytest.fixture
def outside() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of the jail's business."""
    running = subprocess.Popen(["sleep", "600"])
    yield running
    running.kill()
    running.wait()


async def tries(jail: Jail, code: str, *, folder: Path | None = None, reads: tuple[Path, ...] = ()) -> process.Ended:
    """Runs Python code in the jail."""
    needs = (PYTHON, Path(sys.base_prefix).resolve(), *libraries(PYTHON))
    return await process.run(jail, [str(PYTHON), "-I", "-S", "-c", code], Room((*needs, *reads), folder), LIMITS)


@pytest.mark.parametrize("jail", JAILS)
async def test_the_named_folder_can_be_written_and_a_named_file_read(jail: Jail, tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "a folder"
    source.write_text("seen")
    folder.mkdir()
    ended = await tries(jail, f"open('out', 'w').write(open({str(source)!r}).read())", folder=folder, reads=(source,))
    assert ended.code == 0, ended.log
    assert (folder / "out").read_text() == "seen"


@pytest.mark.few(6, reason="one more process in the sandbox")
@pytest.mark.parametrize("jail", JAILS)
@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd').read()",
        "open(neighbour).read()",
        "open(neighbour, 'w').write('changed')",
        "os.rename(neighbour, folder + '/moved')",
        "os.listdir(folder)",
        "[os.symlink(neighbour, 'link'), open('link').read()]",
        "open('/proc/1/environ').read()",
        "open(f'/proc/{parent}/environ').read()",
        "open(f'/proc/{parent}/mem', 'rb').read(1)",
        "subprocess.run(['/bin/echo', 'ran'], capture_output=True).stdout",
        "socket.create_connection(('127.0.0.1', port), 2).send(b'x')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', port))",
        "os.kill(parent, 9)",
    ],
)
async def test_nothing_else_is_in_reach(jail: Jail, attempt: str, tmp_path: Path) -> None:
    """Where an attempt does not fail, it meets a world of its own: nothing of ours is seen or changed."""
    (tmp_path / "neighbour").write_text("secret")
    (tmp_path / "job").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        port = server.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        code = f"import os, socket, subprocess; folder={str(tmp_path)!r}; neighbour=folder+'/neighbour'; "
        code += f"port={port}; parent={os.getpid()}; print({attempt})"
        seen = bytearray()
        needs = (PYTHON, Path(sys.base_prefix).resolve(), *libraries(PYTHON))
        argv = [str(PYTHON), "-I", "-S", "-c", code]
        ended = await process.run(jail, argv, Room(needs, tmp_path / "job"), LIMITS, seen.extend)
        for listening in (server, datagrams):
            listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
        with pytest.raises(BlockingIOError):
            datagrams.recv(1)
    assert ended.code in (0, 1)
    for word in (b"secret", b"root:", b"neighbour", b"ran", b"PATH="):
        assert word not in seen
    assert (tmp_path / "neighbour").read_text() == "secret"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job", "neighbour"]


@pytest.mark.parametrize("jail", JAILS)
async def test_what_reaches_beyond_the_process_is_refused_by_the_kernel(
    jail: Jail, outside: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (tmp_path / "own").touch()
    seen = bytearray()
    needs = (PYTHON, Path(sys.base_prefix).resolve(), *libraries(PYTHON), Path(hostile.__file__))
    before = Path(f"/proc/{outside.pid}/limits").read_text(), os.getpriority(os.PRIO_PROCESS, outside.pid)
    argv = [str(PYTHON), "-I", "-S", hostile.__file__, str(outside.pid)]
    ended = await process.run(jail, argv, Room(needs, tmp_path), LIMITS, seen.extend)
    after = Path(f"/proc/{outside.pid}/limits").read_text(), os.getpriority(os.PRIO_PROCESS, outside.pid)
    assert ended.code == 0, ended.log
    became = json.loads(seen)
    assert {name: became[name] for name in hostile.ATTEMPTS} == dict.fromkeys(hostile.ATTEMPTS, "EPERM")
    assert {became[name] for name in hostile.HARMLESS} == {"done"}
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
    assert after == before


@pytest.mark.parametrize("jail", JAILS)
async def test_what_runs_there_has_no_capabilities_and_gets_none(jail: Jail, tmp_path: Path) -> None:
    """Nor does it say so falsely: /proc of sandlock is not to be seen, so the kernel is asked."""
    code = (
        "import ctypes, os; libc = ctypes.CDLL(None); head = (ctypes.c_uint32 * 2)(0x20080522, 0);"
        " sets = (ctypes.c_uint32 * 6)(); print(libc.capget(head, sets), list(sets),"
        " [each for each in range(64) if libc.prctl(47, 1, each, 0, 0) == 1], libc.prctl(39, 0, 0, 0, 0))"
    )
    seen = bytearray()
    needs = (PYTHON, Path(sys.base_prefix).resolve(), *libraries(PYTHON))
    await process.run(jail, [str(PYTHON), "-I", "-S", "-c", code], Room(needs, tmp_path), LIMITS, seen.extend)
    assert seen.decode().strip() == "0 [0, 0, 0, 0, 0, 0] [] 1"


@pytest.mark.parametrize("jail", JAILS)
async def test_no_second_process_is_made_but_threads_are(jail: Jail, tmp_path: Path) -> None:
    code = "import os, threading; t = threading.Thread(target=open, args=('thread', 'w')); t.start(); t.join(); "
    code += "os.fork() or open('process', 'w').close()"
    ended = await tries(jail, code, folder=tmp_path)
    assert ended.code != 0
    assert [path.name for path in tmp_path.iterdir()] == ["thread"]


@pytest.mark.parametrize("jail", JAILS)
async def test_there_are_no_files_open_but_the_pipes(jail: Jail, tmp_path: Path) -> None:
    code = "import os\nfor each in range(1024):\n try: os.fstat(each); print(each)\n except OSError: pass"
    seen = bytearray()
    needs = (PYTHON, Path(sys.base_prefix).resolve(), *libraries(PYTHON))
    await process.run(jail, [str(PYTHON), "-I", "-S", "-c", code], Room(needs, tmp_path), LIMITS, seen.extend)
    assert seen.split() == [b"0", b"1", b"2"]


@pytest.mark.parametrize("jail", JAILS)
async def test_who_joins_another_group_of_processes_is_ended_too(jail: Jail) -> None:
    limits = Limits(memory=256 << 20, seconds=3, output_bytes=1 << 20)
    code = "import os, signal\ntry: os.setpgid(0, os.getpgid(os.getppid()))\nexcept OSError: pass\n"
    code += "signal.pause()"
    needs = (PYTHON, Path(sys.base_prefix).resolve(), *libraries(PYTHON))
    ended = await process.run(jail, [str(PYTHON), "-I", "-S", "-c", code], Room(needs), limits)
    assert ended.late
    assert ended.code == -signal.SIGKILL


@pytest.mark.parametrize("jail", JAILS)
async def test_the_environment_is_empty_and_there_is_no_input(
    jail: Jail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUTLOG_JWT_SECRET", "topsecret")
    # Python itself sets LC_CTYPE, bubblewrap PWD.
    code = 'import os, sys; sys.exit(f\'{set(os.environ) - {"LC_CTYPE", "PWD"}} {sys.stdin.read()!r}\')'
    ended = await tries(jail, code, folder=tmp_path)
    assert ended.log.strip() == "set() ''"


async def test_an_input_that_names_a_host_makes_no_connection(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n")
        for source in (url, "list.m3u8", "concat:list.m3u8", "subfile,,start,0,end,9,,:list.m3u8"):
            with pytest.raises(FfmpegFailedError):
                await ffmpeg.run(["-i", source, "-f", "null", "-"], writes=tmp_path)
        with pytest.raises(BlockingIOError):  # a connection would stand there by now
            server.accept()


async def test_formats_that_name_other_files_are_not_parsed(ffmpeg: Ffmpeg, painted: Painter, tmp_path: Path) -> None:
    clip = painted(25, 5)
    (tmp_path / "list.txt").write_text(f"ffconcat version 1.0\nfile '{clip}'\n")
    with pytest.raises(FfmpegFailedError, match="Invalid"):
        await ffmpeg.run(["-i", "list.txt", "-f", "null", "-"], reads=[clip], writes=tmp_path)


async def test_without_any_sandbox_it_refuses_and_names_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandlock.landlock_abi_version", lambda: -1)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailableError, match=r"sandlock.*bubblewrap.*CUTLOG_SANDBOX=off"):
        await Ffmpeg.find(Wanted())
    assert (await Ffmpeg.find(Wanted(sandbox="off"))).sandbox == "off"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_gets_the_same_sandbox(tmp_path: Path) -> None:
    way = [PYTHON, *PYTHON.parents, *Path(sys.executable).parents]
    if not all(part.stat().st_mode & 0o1 for part in way):
        pytest.skip("this interpreter can only be run by root")
    code = "import asyncio; from tests.ffmpeg.conftest import Wanted; from cutlog.ffmpeg import Ffmpeg; "
    code += "print(asyncio.run(Ffmpeg.find(Wanted())).sandbox)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == "sandlock", ran.stderr

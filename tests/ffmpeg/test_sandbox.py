"""What a child in the sandbox can't do, tried by children that try."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.ffmpeg import Ffmpeg, FfmpegFailedError, Limits, SandboxUnavailableError, process
from cutlog.ffmpeg.binaries import libraries
from cutlog.ffmpeg.sandbox import BubblewrapJail, Jail, Room, SandlockJail
from tests.ffmpeg.conftest import Wanted
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
        server.settimeout(0.5)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n")
        for source in (url, "list.m3u8", "concat:list.m3u8", "subfile,,start,0,end,9,,:list.m3u8"):
            with pytest.raises(FfmpegFailedError):
                await ffmpeg.run(["-i", source, "-f", "null", "-"], writes=tmp_path)
        with pytest.raises(TimeoutError):
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
    reachable = PYTHON.stat().st_mode & 0o1 and all(p.stat().st_mode & 0o1 for p in PYTHON.parents)
    if not reachable:
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

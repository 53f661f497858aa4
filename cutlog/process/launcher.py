"""Becomes another program: `python -I -S launcher.py '{"argv": …}'`. Standard library only; replaced by execve at once.

Done here rather than in a `preexec_fn`, so that nothing of ours runs between fork and exec in the supervisor.
The environment is inherited, never part of the arguments: those can be read by every user of the machine.
The last step before the exec asks the kernel to signal this process when its parent dies, so that even
`kill -9` of the supervisor ends the whole tree.
"""

import ctypes
import errno
import json
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = 1, 4, 28, 38
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 23, 24, 47, 2, 4
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE = 1, 2, 10
SECBIT_NO_SETUID_FIXUP = 4
CAPABILITY_VERSION_3 = 0x20080522
CAPABILITIES = range(64)
CLONE_NEWNS = 0x20000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_SLAVE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x80000

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def drop_capabilities(kept: tuple[int, ...] = ()) -> None:
    """Takes every capability but those `kept` from the calling thread, and from all that it starts, and the means to
    get others: a program of root's, or one that has capabilities of its own, gains nothing when it is executed.
    Raises OSError."""
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    for capability in CAPABILITIES:
        if capability in kept or libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1:
            continue
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 and ctypes.get_errno() == errno.EPERM:
            break  # not root: with PR_SET_NO_NEW_PRIVS there is no way to what the set would allow
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    mask = sum(1 << capability for capability in kept)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)), "capset")
    for capability in kept:
        check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "PR_CAP_AMBIENT_RAISE")


def become(uid: int, gid: int, kept: tuple[int, ...] = ()) -> None:
    """Drops root for good, with every capability but those `kept`. Raises OSError."""
    os.setgroups([])
    # So that they outlast the change of user, and hold for access(2) too, which initdb asks and which would look at no
    # capability of a user other than root: capabilities(7), "The securebits flags".
    stay = libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    if kept:
        check(stay, "PR_SET_SECUREBITS")
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    drop_capabilities(kept)


def traversing() -> int:
    """The least capability there is here to enter folders that only root may enter. Raises PermissionError."""
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            return capability
    raise PermissionError("no capability to enter folders that only root may enter: move DATA and the checkout")


def open_passages(passages: list[tuple[str, list[str]]]) -> None:
    """Makes what lies in closed folders reachable for this process and what it starts, and for nobody else: in mounts
    of its own, each of these folders is an empty one that all may walk through, with the named files and folders in
    their places. Nothing else that is in a closed folder can be seen. Raises OSError."""
    from pathlib import Path

    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None), "mount")  # what is mounted here shows nowhere else
    mask = os.umask(0o066)
    for closed, inside in passages:
        held = [(os.open(path, os.O_PATH | os.O_CLOEXEC), Path(path)) for path in inside]
        flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
        check(libc.mount(b"cutlog", os.fsencode(closed), b"tmpfs", flags, b"mode=0711,size=1m"), closed)
        for descriptor, path in held:
            source = f"/proc/self/fd/{descriptor}"
            (path if Path(source).is_dir() else path.parent).mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch()
            check(libc.mount(source.encode(), os.fsencode(path), None, MS_BIND | MS_REC, None), str(path))
            os.close(descriptor)
    os.umask(mask)


def main() -> None:
    spec = json.loads(sys.argv[1])
    if spec["parent"] is not None:
        os.setsid()
    os.umask(spec["umask"])
    if spec["passages"]:
        open_passages(spec["passages"])
    if spec["uid"] is not None:
        kept = (traversing(),) if spec["traverse"] else (CAP_NET_BIND_SERVICE,) if spec["ports"] else ()
        become(spec["uid"], spec["gid"], kept)
    if spec["parent"] is not None:
        check(libc.prctl(PR_SET_PDEATHSIG, spec["death"], 0, 0, 0), "PR_SET_PDEATHSIG")
        if os.getppid() != spec["parent"]:
            return  # it died before we asked to be told
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if spec["cwd"]:
        os.chdir(spec["cwd"])
    os.execv(spec["argv"][0], spec["argv"])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()

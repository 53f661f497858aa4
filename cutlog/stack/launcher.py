"""Becomes another program: `python -I -S launcher.py '{"argv": …}'`. Standard library only; replaced by execve at once.

Done here rather than in a `preexec_fn`, so that nothing of ours runs between fork and exec in the supervisor.
The environment is inherited, never part of the arguments: those can be read by every user of the machine.
The last step before the exec asks the kernel to signal this process when its parent dies, so that even
`kill -9` of the supervisor ends the whole tree.
"""

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 28, 47, 2
PR_CAPBSET_READ = 23
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
SECBIT_NO_SETUID_FIXUP = 4
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def become(uid: int, gid: int, traverse: bool) -> None:
    """Drops root for good. With `traverse` one capability stays: to walk folders that only root may enter
    (a checkout in /root), whose modes are not ours to change. It holds for access(2) too, which initdb asks and which
    would look at no capability of a user other than root: capabilities(7), "The securebits flags"."""
    os.setgroups([])
    if traverse:
        check(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "PR_SET_SECUREBITS")
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if traverse:
        bounded = [c for c in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if libc.prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1]
        if not bounded:
            raise PermissionError("no capability to enter folders that only root may enter: move DATA and the checkout")
        mask = 1 << bounded[0]
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        check(libc.capset(header, data), "capset")
        check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bounded[0], 0, 0), "PR_CAP_AMBIENT_RAISE")


def main() -> None:
    spec = json.loads(sys.argv[1])
    os.setsid()
    os.umask(0o077)
    if spec["uid"] is not None:
        become(spec["uid"], spec["gid"], spec["traverse"])
    check(libc.prctl(PR_SET_PDEATHSIG, spec["death"], 0, 0, 0), "PR_SET_PDEATHSIG")
    if os.getppid() != spec["parent"]:
        return  # it died before we asked to be told
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if spec["cwd"]:
        os.chdir(spec["cwd"])
    os.execv(spec["argv"][0], spec["argv"])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()

"""Run as a script, with the standard library only: sets limits and the death signal, then becomes the command.

Usage: launch.py PARENT_PID [RESOURCE=LIMIT ...] -- COMMAND [ARG ...]
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, *settings = sys.argv[1 : sys.argv.index("--")]
    command = sys.argv[sys.argv.index("--") + 1 :]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != int(parent):
        sys.exit(1)  # it died before the signal was set
    for setting in settings:
        number, _, limit = setting.partition("=")
        resource.setrlimit(int(number), (int(limit), int(limit)))
    os.execv(command[0], command)  # noqa: S606 - no shell is the point

"""Processes of the tests do not get into each other's way."""

from __future__ import annotations

import subprocess
import sys

from tests.support.ports import FIRST, LAST, free_ports
from tests.support.stacks import CHECKOUT


def test_no_other_process_is_given_a_port_of_ours() -> None:
    ours = free_ports(20)
    code = "from tests.support.ports import free_ports; print(*free_ports(20))"
    told = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    theirs = [int(port) for port in told.split()]
    assert len({*ours, *theirs}) == 40
    assert all(FIRST <= port < LAST for port in (*ours, *theirs))

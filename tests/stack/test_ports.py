"""Ports of stacks that start at the same time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cutlog.operate.stack.ports import FIRST, LAST, NoPort, free_ports

OTHER = "import sys; from cutlog.operate.stack.ports import free_ports; print(*free_ports(1, among=[int(sys.argv[1])]))"


def test_a_port_that_nobody_listens_on_yet_is_given_to_one_process_only() -> None:
    (port,) = free_ports(1)
    assert FIRST <= port < LAST and free_ports(0) == []
    with pytest.raises(NoPort):
        free_ports(1, among=[port])
    other = subprocess.run([sys.executable, "-c", OTHER, str(port)], capture_output=True, text=True)
    assert other.returncode != 0 and "NoPort" in other.stderr, "while this process lives"
    command = [sys.executable, "-c", OTHER]
    again = [subprocess.run([*command, str(port + 1)], capture_output=True, text=True).stdout for _ in range(2)]
    assert again[0] == again[1], "what ended holds nothing"

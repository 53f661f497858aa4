#!/bin/sh
# `install.sh production` makes .venv from requirements.lock and installs this checkout into it, `install.sh developer` adds
# the tools, from requirements-dev.lock. An environment that has the tools keeps them. Called by make.
set -eu
cd "$(dirname "$0")/.."
# Started as root, a stack runs as other users, who must be able to run what is installed here. None of it is secret.
umask 022

suits() { [ "$("$1" -c 'import sys; print((3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null)" = True ]; }

makes_venv() { command -v uv >/dev/null 2>&1 || "$1" -c 'import ensurepip, venv' 2>/dev/null; }

if [ -n "${PYTHON:-}" ]; then
    suits "$PYTHON" && makes_venv "$PYTHON" || {
        echo "PYTHON=$PYTHON is not a Python 3.11 to 3.14 that can make a venv. Name another, or unset PYTHON." >&2
        exit 1
    }
    # The one that was named, and not the one that an earlier run took.
    base() { "$1" -c 'import os, sys; print(os.path.realpath(sys._base_executable))'; }
    if [ -x .venv/bin/python ] && [ "$(base "$PYTHON")" != "$(base .venv/bin/python)" ]; then rm -rf .venv; fi
fi
if [ -x .venv/bin/python ] && ! suits .venv/bin/python; then rm -rf .venv; fi
if [ "${1:-production}" = developer ] || [ -e .venv/developer ]; then lock=requirements-dev.lock; else lock=requirements.lock; fi
if [ ! -x .venv/bin/python ]; then
    # The system's own first: distributions build it with profiles of what runs often, which those who build their own
    # (pyenv does) mostly leave out, and then everything here takes up to twice as long.
    for python in "${PYTHON:-/usr/bin/python3}" python3 python3.13 python3.12 python3.11 python3.14; do
        if suits "$python" && makes_venv "$python"; then found=$python; break; fi
    done
fi

if command -v uv >/dev/null 2>&1; then
    [ -x .venv/bin/python ] || uv venv --quiet --python "${found:->=3.11,<3.15}" .venv
    echo "installing $lock into .venv (uv)" >&2
    VIRTUAL_ENV=.venv uv pip sync --quiet --compile-bytecode --require-hashes "$lock"
    VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation --editable .
else
    if [ ! -x .venv/bin/python ]; then
        [ -n "${found:-}" ] || {
            echo "cutlog needs Python 3.11 to 3.14 that can make a venv (Debian: apt install python3-venv)." >&2
            echo "If it is somewhere else: PYTHON=/path/to/python3 make install" >&2
            exit 1
        }
        "$found" -m venv .venv || { rm -rf .venv; exit 1; }
    fi
    # uv makes environments without pip.
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    echo "installing $lock into .venv (pip)" >&2
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
    .venv/bin/python -m pip install --quiet --require-hashes -r "$lock"
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
fi

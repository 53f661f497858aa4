"""What a whole stack answers to requests made from its own document. `make test-api` runs this."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import whole
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.api


def test_every_answer_is_as_the_document_says(stack: RunningStack, tmp_path: Path) -> None:
    whole(stack)
    done = subprocess.run(
        [
            Path(sys.executable).with_name("st"), "--config-file", CHECKOUT / "tests" / "api" / "schemathesis.toml",
            "run", f"{stack.url}/api/openapi.json", "--header", f"Authorization: Bearer {stack.token('admin')}",
            "--no-color",
        ],
        cwd=tmp_path, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=20 * PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:]

"""A service with which anybody could make tokens or links does not start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.auth.roles import Role
from cutlog.auth.tokens import verify
from cutlog.operate.stack.secrets import EmptySecret, Secrets
from tests.support.waiting import PATIENCE

GOOD = {"CUTLOG_JWT_SECRET": "j" * 64, "CUTLOG_FILE_SECRET": "f" * 64}


@pytest.mark.few(2, reason="loads one more service")
@pytest.mark.parametrize("service", ["ops", "media", "render", "gc"])
@pytest.mark.parametrize("wrong", [{"CUTLOG_JWT_SECRET": ""}, {"CUTLOG_FILE_SECRET": "  "}])
def test_an_empty_secret_is_named_and_nothing_starts(tmp_path: Path, service: str, wrong: dict[str, str]) -> None:
    (name,) = wrong
    ended = subprocess.run(
        [sys.executable, "-m", "cutlog", "serve", service],
        env={"CUTLOG_DATA": str(tmp_path), "PATH": "/usr/bin:/bin", **GOOD, **wrong},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    said = f"cutlog: {name} is empty: set it to the secret that all services share"
    assert (ended.returncode, ended.stdout, ended.stderr.strip()) == (2, "", said)


def test_a_stack_takes_no_empty_secret(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    assert secrets.jwt
    (tmp_path / "jwt").write_text("")
    with pytest.raises(EmptySecret, match="jwt is empty"):
        _ = secrets.jwt


def test_the_token_of_a_service_is_made_again_when_it_is_not_accepted_any_more(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    first = secrets.service_token("ops", 3600)
    assert secrets.service_token("ops", 3600) == first
    (tmp_path / "token.ops").write_text("a token of before")
    again = secrets.service_token("ops", 3600)
    assert verify(secrets.jwt, again).role is Role.service
    assert secrets.service_token("ops", 3600) == again

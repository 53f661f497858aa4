"""Keys are replaced while a stack runs, and an old folder gets its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.auth.credentials import CredentialsMissing, FileKeys, Identity
from cutlog.auth.rings import KeyRing, PublicKeys
from cutlog.auth.roles import Role
from cutlog.auth.tokens import KeyUnknown, mint, verify
from cutlog.operate.stack.secrets import Secrets


def test_a_service_holds_its_own_key_and_public_ones_and_ops_alone_signs(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.hand_out(tmp_path / "keys", ("ops", "media"))
    held = {str(path.relative_to(tmp_path / "keys")) for path in (tmp_path / "keys").glob("*/*")}
    names = {"identity.json", "public.json"}
    assert held == {f"{service}/{name}" for service in ("ops", "media") for name in names} | {"ops/signing.json"}
    seeds = [key.seed for key in secrets.signing.keys]
    for path in (tmp_path / "keys" / "media").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert not any(seed in path.read_text() for seed in seeds)


async def test_new_keys_are_taken_from_the_folder_without_a_restart(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.hand_out(tmp_path / "keys", ("ops", "media"))
    keys, identity = FileKeys(tmp_path / "keys" / "ops"), Identity.of("media", tmp_path / "keys" / "media")
    before, introduced = mint(secrets.signing, "ann", Role.viewer), identity.token()
    for _ in range(2):
        secrets.rotate(("ops", "media"))
    secrets.hand_out(tmp_path / "keys", ("ops", "media"))
    after = mint(secrets.signing, "ann", Role.viewer)
    newer = await keys.newer()
    assert verify(newer, after).subject == "ann"
    for old in (before, introduced):
        with pytest.raises(KeyUnknown):
            verify(newer, old)
    (tmp_path / "keys" / "ops" / "public.json").write_text("{")
    assert await keys.newer() == newer, "what can't be read changes nothing"


def test_a_folder_without_keys_says_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(CredentialsMissing, match="cutlog keys create"):
        FileKeys(tmp_path)


@pytest.mark.slow(reason="one more process of the command line")
def test_the_command_makes_keys_and_replaces_them(tmp_path: Path) -> None:
    def cutlog(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "cutlog", *arguments], capture_output=True, text=True)

    assert cutlog("keys", "rotate", "--data", str(tmp_path)).returncode == 1
    assert cutlog("keys", "create", "--data", str(tmp_path)).returncode == 0
    first = KeyRing.read((tmp_path / "keys" / "ops" / "signing.json").read_bytes())
    assert cutlog("keys", "rotate", "--data", str(tmp_path)).returncode == 0
    second = KeyRing.read((tmp_path / "keys" / "ops" / "signing.json").read_bytes())
    assert second.keys[1:] == first.keys
    token = cutlog("token", "--data", str(tmp_path), "--role", "viewer").stdout.strip()
    assert verify(PublicKeys.read((tmp_path / "keys" / "gc" / "public.json").read_bytes()), token).role is Role.viewer


def test_secrets_of_earlier_releases_are_removed(tmp_path: Path) -> None:
    for name in ("jwt", "token.ops", "files"):
        (tmp_path / name).write_text("x")
    Secrets(tmp_path).forget_shared()
    assert [path.name for path in tmp_path.iterdir()] == ["files"]

"""A DATA from a backup, without any service: a database and files, and nothing where it could not be made."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import asyncpg
import pytest

from cutlog.blobs import LocalBlobs
from cutlog.bus.tables import outbox
from cutlog.contract.commands import Command, Output, ReportProxy, encode_command
from cutlog.operate.backup.making import backup
from cutlog.operate.backup.place import BackupDamaged, NoPlace, Place, PlaceBusy
from cutlog.operate.backup.restoring import NotEmpty, restore
from cutlog.operate.backup.source import Source
from cutlog.operate.stack.secrets import Secrets
from tests.support.database import Database

FILM = b"a film of which ops has yet to hear"


async def told(owner: asyncpg.Connection, content: bytes, version: int) -> str:
    """A film of render's that waits in its outbox; its key."""
    key = f"proxy/p/v{version}_proxy.mp4"
    made = Output(key=key, size=len(content), sha256=hashlib.sha256(content).hexdigest(), frames=1, encoded=1)
    body = ReportProxy(project_id="p", version=version, digest="d", output=made)
    command = Command(key=key, tenant="default", actor="render", trace="00-0-0-00", body=body)
    await owner.execute(
        f"INSERT INTO render.{outbox.name} (key, command) VALUES ($1, $2)", key, encode_command(command)
    )
    return key


@pytest.mark.slow(reason="writes and restores files in many broken ways")
async def test_what_is_saved_is_restored_whole_or_not_at_all(
    database: Database, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    blobs, root, data = LocalBlobs(tmp_path / "objects", ""), tmp_path / "backups", tmp_path / "again"
    source = Source(database.owner_url, blobs)
    await blobs.put_bytes(await told(owner, FILM, 1), FILM)
    await owner.execute("INSERT INTO gc.lease (name, holder, token, expires_at) VALUES ('x', 'y', 1, now())")
    first = await backup(source, root)
    await blobs.put_bytes(await told(owner, b"another", 2), b"another")
    second = await backup(source, root, keep=1)
    assert (first.objects, first.copied_bytes) == (1, len(FILM))
    assert (second.objects, second.copied_bytes, second.forgotten) == (2, len(b"another"), (first.name,))
    with Place.found(root) as place:
        with pytest.raises(PlaceBusy), Place.made(root):
            pass
        file = place.pool(hashlib.sha256(FILM).hexdigest())
        file.write_bytes(FILM.swapcase())
        with pytest.raises(BackupDamaged, match="SHA-256"):
            await restore(place, None, data)
        file.write_bytes(FILM)
        assert not data.exists()
        work = tmp_path / ".again.restoring"
        work.rename(tmp_path / "aside")
        (work / "photos").mkdir(parents=True)
        with pytest.raises(NotEmpty, match="in the way"):
            await restore(place, None, data)
        (work / "photos").rmdir()
        work.rmdir()
        (tmp_path / "aside").rename(work)
        data.mkdir()
        made = await restore(place, None, data)
        assert made.objects == 2 and made.copied_objects >= 1
        with pytest.raises(NotEmpty):
            await restore(place, None, data)
    assert (data / "objects/proxy/p/v1_proxy.mp4").read_bytes() == FILM
    for path in (data / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Secrets(data / "secrets").database("owner") and (data / "postgres/data/PG_VERSION").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "backups", "objects"]


def test_a_folder_is_one_of_backups_or_becomes_one_when_it_is_empty(tmp_path: Path) -> None:
    with pytest.raises(NoPlace), Place.found(tmp_path):
        pass
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(NoPlace), Place.made(tmp_path):
        pass
    (tmp_path / "photo.jpg").unlink()
    with Place.made(tmp_path) as place:
        place.belongs_to("")
        place.belongs_to("one")
        with pytest.raises(NoPlace, match="another stack"):
            place.belongs_to("two")
        with place.new_file("ab" * 32) as draft:
            draft.write_bytes(b"1")
        with pytest.raises(FileNotFoundError), place.new_file("cd" * 32):
            pass  # nobody wrote it
        assert [path.name for path in (tmp_path / "objects").glob("??/*")] == ["ab" * 32]

"""Configuration files of servers, which come with the package; `deploy/` has links to them."""

from __future__ import annotations

from pathlib import Path

FILES = Path(__file__).resolve().with_name("files")


class DeploymentFileMissing(FileNotFoundError):
    """The installation is incomplete; install cutlog again."""


def deployment_file(name: str) -> Path:
    """Absolute path of one of them. Raises DeploymentFileMissing."""
    path = FILES / name
    if not path.is_file():
        raise DeploymentFileMissing(str(path))
    return path

"""Files of `deploy/`, which belong to the checkout that is installed."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "deploy"


class DeploymentFileMissing(FileNotFoundError):
    """The folder `deploy` of the checkout is not beside the package: install with `pip install -e .`."""


def deployment_file(name: str) -> Path:
    """Absolute path of `deploy/NAME`. Raises DeploymentFileMissing."""
    path = ROOT / name
    if not path.is_file():
        raise DeploymentFileMissing(str(path))
    return path

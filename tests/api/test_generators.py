"""Clients that public generators make of the document, without flags, compile strictly. `make test-api` runs these."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import whole
from tests.support.npm import npm
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.api
CLIENTS = CHECKOUT / "tests" / "api" / "clients"
USE = """
import type { components, paths } from "./types";
import { postProjects, type NewProject } from "./sdk";

type Schemas = components["schemas"];

export const blur: Schemas["EffectAddBlur"] = {
    op: "effect.add", clip: "a", effect: "e", kind: "blur", params: { radius: 0.1 },
};
export const project: NewProject & Schemas["NewProject"] = { name: "First" };
export const sar = (facts: Schemas["MediaFacts"]): number[] | null => facts.sar;
export const path: keyof paths = "/api/projects";
export const make = () => postProjects({ body: project });

type Refused = paths["/api/projects/{project}/ops"]["post"]["responses"]["409"]["content"]["application/problem+json"];
export const missed = (problem: Refused): number[] =>
    problem.type === "/problems/version-conflict" ? problem.missed.map((each) => each.version) : [];
type Message = paths["/api/projects/{project}/events"]["get"]["responses"]["200"]["content"]["text/event-stream"];
export const rendered = (message: Message): string | null =>
    "type" in message && message.type === "ProxyRendered" ? message.data.key : null;

// @ts-expect-error: no blur has an amount
export const wrong: Schemas["EffectAddBlur"] = { ...blur, params: { amount: 1 } };
"""
"""A default makes no member of a request required; effects have parameters, and problems and events members, of their
own."""
PYTHON = """
from client import Client
from client.models import BlurParams, EffectAddBlur, MediaFacts, NewProject, ProxyRendered, VersionConflictProblem

project = NewProject(name="First")
missed = VersionConflictProblem.from_dict({
    "type": "/problems/version-conflict", "title": "", "status": 409, "detail": "", "currentVersion": 3, "missed": [],
})
assert missed.current_version == 3 and ProxyRendered.__name__
print(project.to_dict(), EffectAddBlur.__name__, BlurParams(radius=0.1).to_dict())
"""


def run(*command: str | Path, folder: Path, **more: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=4 * PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture
def folder(stack: RunningStack, tmp_path: Path) -> Path:
    """With the document, and the generators' packages for it."""
    made = tmp_path / "clients"
    shutil.copytree(CLIENTS, made)
    (made / "openapi.json").write_text(json.dumps(whole(stack)))
    return made


def test_clients_in_typescript_compile_strictly(folder: Path) -> None:
    npm("ci", folder=folder)
    tools = folder / "node_modules" / ".bin"
    run(tools / "openapi-typescript", "openapi.json", "-o", "types.ts", folder=folder)
    run(tools / "openapi-ts", "-i", "openapi.json", "-o", "sdk", folder=folder)
    (folder / "use.ts").write_text(USE)
    run(tools / "tsc", "-p", ".", folder=folder)


def test_a_client_in_python_is_made_whole_and_passes_mypy(folder: Path) -> None:
    run(sys.executable, "-m", "venv", "own", folder=folder)
    python = folder / "own" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements.lock"],
        cwd=folder, capture_output=True, text=True, timeout=4 * PATIENCE,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"pip can't fetch the generator: {done.stderr.strip()[-300:]}")
    path = f"{folder / 'own' / 'bin'}:{os.environ['PATH']}"
    said = run(
        folder / "own" / "bin" / "openapi-python-client", "generate", "--path", "openapi.json",
        "--output-path", "client", "--meta", "none", folder=folder, PATH=path,
    )  # fmt: skip
    assert "Unable to process schema" not in said and "Unable to parse" not in said, said
    # Of tus, whose bodies are of a type of its own, there are clients of its own.
    missing = [line for line in said.splitlines() if line.startswith("WARNING") and "not be generated" in line]
    assert [line for line in missing if "/api/uploads" not in line] == [], said
    (folder / "use.py").write_text(PYTHON)
    run(python, "-W", "error", "-m", "compileall", "-q", "client", folder=folder)
    run(python, "use.py", folder=folder)
    # What the generator writes for every document, such as its `__exit__`, is not strict in itself.
    mypy = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent")
    run(*mypy, "--python-executable", python, "use.py", folder=folder)

"""A plan's hash."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from cutlog.contract.answers.collection import Candidate, Policy, Reason
from services.gc.rules.plan import Basis, PlanHash

NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)
BASIS = Basis(tenant="default", position=41, policy=Policy(), at=NOW)


def line(n: int) -> Candidate:
    return Candidate(
        id=f"x{n}",
        class_="export",
        export_id=f"x{n}",
        project_id="p",
        version=n,
        profile="mp4",
        key=f"export/p/v{n}_final.mp4",
        size=n,
        finished_at=NOW - timedelta(days=99),
        reasons=(Reason(rule="ttl", detail="Schluß"),),
    )


def digest(basis: Basis, *lines: Candidate) -> str:
    hasher = PlanHash(basis)
    for each in lines:
        hasher.add(each)
    return hasher.hexdigest()


def test_anybody_can_compute_the_hash_again_from_the_plan_as_json() -> None:
    document = {
        "tenant": "default",
        "position": 41,
        "policy": msgspec.to_builtins(Policy()),
        "at": "2031-05-01T12:00:00Z",
        "candidates": [
            {
                "id": f"x{n}",
                "class": "export",
                "exportId": f"x{n}",
                "projectId": "p",
                "version": n,
                "profile": "mp4",
                "key": f"export/p/v{n}_final.mp4",
                "size": n,
                "finishedAt": "2031-01-22T12:00:00Z",
                "reasons": [{"rule": "ttl", "detail": "Schluß"}],
            }
            for n in (1, 2)
        ],
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert digest(BASIS, line(1), line(2)) == hashlib.sha256(canonical).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        Basis(tenant="other", position=41, policy=Policy(), at=NOW),
        Basis(tenant="default", position=42, policy=Policy(), at=NOW),
        Basis(tenant="default", position=41, policy=Policy(keep_latest=4), at=NOW),
        Basis(tenant="default", position=41, policy=Policy(), at=NOW + timedelta(seconds=1)),
    ],
)
def test_the_hash_covers_tenant_position_policy_and_date(other: Basis) -> None:
    assert digest(other, line(1)) != digest(BASIS, line(1))


def test_the_hash_covers_every_candidate_and_their_order() -> None:
    hashes = {digest(BASIS), digest(BASIS, line(1)), digest(BASIS, line(1), line(2)), digest(BASIS, line(2), line(1))}
    assert len(hashes) == 4


def test_the_hash_can_be_read_while_candidates_are_still_added() -> None:
    hasher = PlanHash(BASIS)
    assert hasher.hexdigest() == digest(BASIS)
    hasher.add(line(1))
    assert hasher.hexdigest() == digest(BASIS, line(1))

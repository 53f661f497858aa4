"""Problems that only gc answers."""

from __future__ import annotations

from typing import Final

from cutlog.web import ProblemType

OBJECT_UNREADABLE: Final = ProblemType(
    "object-unreadable", 409, "An object can't be read",
    "receipts/p_1/v3.proxy.json cannot be read: it is truncated. Until it can be read, no plan covers what it may "
    "refer to, and nothing of that kind is deleted.",
)  # fmt: skip
PROJECTION_BEHIND: Final = ProblemType(
    "projection-behind", 503, "The garbage collector has not read the whole log yet",
    "It has read 1200 of 1234 events.",
)  # fmt: skip
CONFIRMATION_MISSING: Final = ProblemType(
    "confirmation-missing", 400, "The confirmation is missing",
    "Deleting needs `confirm`, the hash of the plan that listed the candidates.",
)  # fmt: skip
CONFIRMATION_UNKNOWN: Final = ProblemType(
    "confirmation-unknown", 409, "The confirmation is unknown", "`confirm` is not the hash of a plan."
)
PLAN_SIMULATED: Final = ProblemType(
    "plan-simulated", 409, "The plan is a simulation", "A simulation is read-only; calculate a plan for the present."
)
BRAKED: Final = ProblemType(
    "braked", 409, "The run would delete more than maxDeleteFraction allows",
    "30 of 100 exports (3000 of 9000 bytes) would be deleted; maxDeleteFraction is 0.2. Delete fewer at a time, or "
    "use a policy that allows more.",
)  # fmt: skip
ACT_UNDER_WAY: Final = ProblemType(
    "act-under-way", 409, "Another run is in progress",
    "Another archive, restore or delete of this tenant is in progress.",
)  # fmt: skip

ACTING: Final = (ACT_UNDER_WAY, OBJECT_UNREADABLE, PROJECTION_BEHIND)
"""What every archive, restore and delete may answer."""

# For frontends of the old backend, whose envelope has the slug only.
NOTHING_MARKED: Final = ProblemType("nothing-marked", 409, "Nothing is marked", "")

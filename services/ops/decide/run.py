"""Garbage collection: plans that were calculated, one in the stream of each run, and policies, one after the other."""

from __future__ import annotations

from typing import assert_never

from cutlog.contract.commands import GcCommand, RecordPlan, RecordPolicy
from cutlog.contract.events import GcEvent, PlanCalculated, PolicyChanged
from services.ops.decide.refusals import ChangedSinceError, PlanExistsError


def initial_state() -> GcEvent | None:
    """There is nothing in the stream yet."""
    return None


def decide(state: GcEvent | None, command: GcCommand) -> tuple[GcEvent, ...]:
    """What happens. Raises Refused: a run has one plan, and a policy only follows an older one."""
    match command:
        case RecordPlan(run_id=run_id, event=event):
            if state is not None:
                raise PlanExistsError(f"Run {run_id} has a plan already.")
            return (event,)
        case RecordPolicy(event=changed):
            if isinstance(state, PolicyChanged) and changed.version <= state.version:
                raise ChangedSinceError(f"Policy {state.version} already exists.")
            return (changed,)
        case _:
            assert_never(command)


def evolve(state: GcEvent | None, event: GcEvent) -> GcEvent:
    """The last word: of a run its plan, of a tenant its newest policy."""
    match event:
        case PlanCalculated():
            assert state is None, "a run has one plan"
        case PolicyChanged():
            assert state is None or isinstance(state, PolicyChanged), "a policy's stream holds policies"
        case _:
            assert_never(event)
    return event

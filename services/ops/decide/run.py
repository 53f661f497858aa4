"""A garbage collection run: a plan that was calculated."""

from __future__ import annotations

from cutlog.contract.commands import GcCommand
from cutlog.contract.events import GcEvent
from services.ops.decide.refusals import IdTaken


def initial_state() -> GcEvent | None:
    """There is no such run yet."""
    return None


def decide(state: GcEvent | None, command: GcCommand) -> tuple[GcEvent, ...]:
    """What happens. Raises Refused: a run has one plan."""
    if state is not None:
        raise IdTaken(f"Run {command.run_id} has a plan already.")
    return (command.event,)


def evolve(state: GcEvent | None, event: GcEvent) -> GcEvent:
    """The run after a fact: its plan."""
    assert state is None, "a run has one plan"
    return event

"""Who may do what: four roles that include each other, and one that stands apart."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """viewer < editor < operator < admin. `service` is the services' own, for `/internal` routes and nothing else."""

    viewer = "viewer"
    editor = "editor"
    operator = "operator"
    admin = "admin"
    service = "service"

    def covers(self, needed: Role) -> bool:
        """Whether an actor of this role may use a route that needs `needed`."""
        if Role.service in (self, needed):
            return self is needed
        return LADDER.index(self) >= LADDER.index(needed)


LADDER = (Role.viewer, Role.editor, Role.operator, Role.admin)

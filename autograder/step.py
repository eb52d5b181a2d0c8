"""What becomes of the cells of a submission when it is graded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass
class GradedCell:
    """One graded cell."""

    grade_id: str
    points: float
    max_points: float
    message: str


@dataclass
class Step:
    """What became of one cell: its outputs as a notebook stores them, and its mark where it has one."""

    outputs: list[dict] = field(default_factory=list)
    graded: GradedCell | None = None
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def from_dict(cls, entries: dict[str, Any]) -> Step:
        """The step of which `dataclasses.asdict` gave these entries; its times may be text."""
        graded = entries["graded"] and GradedCell(**entries["graded"])
        began, ended = (datetime.fromisoformat(str(entries[name])) for name in ("began", "ended"))
        return cls(entries["outputs"], graded, began, ended)

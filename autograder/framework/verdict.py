"""What judging an answer gives: a finding for each law, and the verdict on the component."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from autograder.framework.expect import About
from autograder.framework.happening import Happening


class Status(Enum):
    """What became of a law."""

    HELD = "held"
    FAILED = "failed"
    WAITS = "waits"
    FAULT = "fault"  # the law itself raised: a bug of the course


@dataclass
class Finding:
    """The outcome of one law. `proves` is a catalogue id that this failure by itself proves."""

    law: str
    status: Status
    points: float
    max_points: float
    message: str = ""
    proves: str | None = None
    about: About | None = None
    happening: Happening | None = None
    edge: bool = False

    @property
    def held(self) -> bool:
        return self.status is Status.HELD

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED

    def as_dict(self) -> dict:
        return {"name": self.law, "passed": self.status in (Status.HELD, Status.FAULT), "message": self.message}


@dataclass
class Fault:
    """A bug of the course that a law ran into, with its traceback for the maintainer."""

    law: str
    traceback: str


@dataclass
class Verdict:
    """The outcome of one component."""

    component: str
    points: float
    max_points: float
    findings: list[Finding] = field(default_factory=list)
    misconception: str | None = None
    sentence: str | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no law failed. A law that the course itself broke is not held against the answer."""
        return all(finding.status in (Status.HELD, Status.FAULT) for finding in self.findings)

    def as_dict(self) -> dict:
        """The object that `check --json` prints, without the file's name."""
        found = {
            "component": self.component,
            "passed": self.passed,
            "points": self.points,
            "max_points": self.max_points,
            "checks": [finding.as_dict() for finding in self.findings],
            "misconception": self.misconception,
        }
        return {**found, "faults": [fault.law for fault in self.faults]} if self.faults else found

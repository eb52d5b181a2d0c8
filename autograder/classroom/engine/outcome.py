"""What became of a class that was graded, and its words for a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.submission.handed_in import one_line


@dataclass
class Outcome:
    """What became of a class. `problems`: of those who could not be graded, the reason; `faults`: of the course, by learner."""

    graded: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    stored: int = 0
    seconds: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)
    own_seconds: float = 0.0
    """Of processor time, of the coordinator alone, from the first submission on."""
    first_seconds: float = 0.0
    """From the start to the first mark in the gradebook."""
    latencies: list[float] = field(default_factory=list)
    """Seconds that a submission was with a worker."""
    stopped: str = ""
    """Why grading stopped on the way, where it did."""


def text(outcome: Outcome) -> str:
    """What a run did, for a terminal."""
    count = len(outcome.graded)
    lines = [f"graded {count} submissions in {outcome.seconds:.1f} s"]
    if outcome.stored:
        lines[0] += f", {outcome.stored} of them from results of an earlier run"
    if outcome.skipped:
        lines.append(f"graded before: {len(outcome.skipped)} (--force grades them again)")
    if outcome.times:
        lines.append(f"{'seconds':28} {'median':>8} {'longest':>8}")
        for id, times in outcome.times.items():
            ordered = sorted(times)
            lines.append(f"{id:28} {ordered[len(ordered) // 2]:8.2f} {ordered[-1]:8.2f}")
    lines += [f"{one_line(student)}: not graded: {reason}" for student, reason in sorted(outcome.problems.items())]
    if outcome.stopped:
        lines.append(f"stopped: {outcome.stopped}")
    return "\n".join(lines)

"""What one learner's code may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """`cell_seconds` are of processor time, so that a busy machine is never a learner's time-out; of wall clock four times as
    many. `memory_bytes` count beyond what the course itself takes. With `wall_seconds` a cell has these alone, of wall clock.
    """

    cell_seconds: float = 15  # of a notebook; training and exploring cost nothing under grading
    memory_bytes: int = 2 * 2**30
    processes: int = 64
    wall_seconds: float | None = None

"""The engine in the place of nbgrader's own `autograde`: in its command, and behind the button of formgrader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbgrader.apps import api, autogradeapp
from nbgrader.converters.base import NbGraderException

from autograder.classroom.engine.coordinator import Engine
from autograder.classroom.engine.outcome import Outcome
from autograder.classroom.engine.stopping import CannotStart
from autograder.classroom.engine.workers import Workers


@contextmanager
def in_nbgrader(workers: Callable[[], Workers], unsafe_no_sandbox: bool = False) -> Iterator[list[Outcome]]:
    """Within it nbgrader grades on the engine; the list that it gives gets the outcome of each run."""
    outcomes: list[Outcome] = []

    class Autograde(Engine):
        """What nbgrader makes of its configuration, and starts."""

        def __init__(self, coursedir: Any = None, **options: Any):
            super().__init__(workers, unsafe_no_sandbox, quiet=True, coursedir=coursedir, **options)

        def convert_notebooks(self) -> None:
            outcomes.append(self.outcome)
            try:
                super().convert_notebooks()
            except CannotStart as problem:
                self.outcome.stopped = str(problem)
            reasons = [f"{student}: not graded: {reason}" for student, reason in self.outcome.problems.items()]
            if self.outcome.stopped:
                reasons.append(self.outcome.stopped)
            if reasons:
                self.log.error("\n".join(reasons))
                raise NbGraderException("\n".join(reasons))

    own = autogradeapp.Autograde
    autogradeapp.Autograde = api.Autograde = Autograde
    try:
        yield outcomes
    finally:
        autogradeapp.Autograde = api.Autograde = own

"""What became of the cells that ran in this kernel: a check judges what the last run of an exercise's cell left, nothing older.

Also gives `check` and `check_quiz` back where a learner's variable took their names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import autograder
from autograder.framework.happening import Happening, sentence
from autograder.submission.binding import binds
from utils.manifest import load

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_CHECK = re.compile(r"\s*(check|check_quiz)\(\s*[\"'][\w-]+[\"']\s*\)\s*;?\s*")


class Runs:
    """The cells of one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._owners = {cell: exercise.id for exercise in load().exercises for cell in exercise.cells}
        self._before: dict[str, Any] = dict.fromkeys(self._owners.values())
        self._taken: dict[str, Any] = {}
        self._bound_by: dict[str, str] = {}  # exercise -> the id of the cell that defined it last
        self._trouble: dict[str, str] = {}
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def trouble(self, name: str) -> str | None:
        """Why the last run of the exercise's cell left no answer, as a sentence, or None where it did."""
        return self._trouble.get(name)

    def _begin(self, info: Any) -> None:
        names = self._shell.user_ns
        self._before = {name: names.get(name) for name in self._owners.values()}
        self._taken = {}
        if _CHECK.fullmatch(info.raw_cell or ""):
            for name in ("check", "check_quiz"):
                own = getattr(autograder, name)
                if names.get(name) is not own:
                    self._taken[name] = names.get(name)
                    names[name] = own

    def _end(self, result: Any) -> None:
        names = self._shell.user_ns
        names.update({name: value for name, value in self._taken.items() if value is not None})
        source, cell_id = result.info.raw_cell or "", getattr(result.info, "cell_id", None) or ""
        error = result.error_before_exec or result.error_in_exec
        for name in self._before:
            if names.get(name) is not self._before[name]:
                self._bound_by[name] = cell_id
                self._trouble.pop(name, None)
            elif error is not None and (self._owners.get(cell_id) == name or binds(source, name)):
                self._trouble[name] = sentence(Happening.of(error), "The cell")
            elif name in source and binds(source, name):
                self._trouble.pop(name, None)
            elif cell_id and self._bound_by.get(name) == cell_id and name in names:
                self._trouble[name] = f"It defines no {name} any more: was it renamed?"


_runs: dict[int, Runs] = {}


def watch(shell: InteractiveShell | None) -> Runs | None:
    """The `Runs` of a shell, which are watched from the first call on; None where there is no shell."""
    if shell is None:
        return None
    if id(shell) not in _runs:
        _runs[id(shell)] = Runs(shell)
    return _runs[id(shell)]

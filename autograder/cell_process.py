"""The process in which the cells of one submission run, and the next one that takes over where it ends.

In the next one the cells before run again, and the reference stands in the place of what had ended the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode

from autograder.framework.happening import Happening
from autograder.framework.isolation.limits import Limits
from autograder.framework.isolation.process import Process
from autograder.framework.isolation.wire import WireError, as_bytes
from autograder.outputs import ShownByCells
from autograder.submission.beside import are_few, beside_notebook, may_return


class CellProcess:
    """The cells that have run, in order, and the process that they have run in."""

    def __init__(self, exercises: Sequence[str], files: Path | None, figures: bool, limits: Limits | None) -> None:
        """`files` is the folder that the notebook lies in; with `figures` pictures are kept."""
        self._exercises, self._figures, self._limits = exercises, figures, limits or Limits()
        self._files = {} if files is None else beside_notebook(files)
        self._shown = ShownByCells()
        self.ran: list[tuple[NotebookNode, set[str], list[dict]]] = []
        """Each cell, the exercises that it belongs to, and its outputs, which a later cell may change."""
        self.stand_ins: dict[str, Happening] = {}
        """The exercises in whose place the reference stands, and what each had ended a process by."""
        self.process = self._start()

    def run(self, cell: NotebookNode, owners: set[str]) -> dict:
        """The reply to a cell that belongs to the exercises `owners`. One that ends the process does not count as run."""
        reply = self._ask_to_run(cell)
        if not self.process.gone:
            reply["outputs"] = self._shown.take(reply.get("outputs", []), [shown for _, _, shown in self.ran])
            self.ran.append((cell, owners, reply["outputs"]))
        return reply

    def restart(self, names: set[str], happened: Happening) -> None:
        """Another process, in which the cells before have run; the reference stands in for `names`."""
        self.stand_ins.update(dict.fromkeys(names, happened))
        self.renew()

    def renew(self) -> None:
        """Another process, in which the cells before have run."""
        self.process.close()
        self.process = self._start()
        for number, (cell, owners, _) in enumerate(list(self.ran)):
            self._ask_to_run(cell)
            if self.process.gone:  # it did come to an end the first time: it is left out from now on
                del self.ran[number]
                return self.renew()
            self.process.ask("stand_in", names=sorted(owners & set(self.stand_ins)))
        self.process.ask("stand_in", names=sorted(self.stand_ins))
        return None

    def written(self) -> dict[str, bytes]:
        """The files that cells have written into their folder, or changed; none where the process has ended.

        What goes past the limits on the files of a submission is left out as a whole.
        """
        files = self.process.ask("written").get("files")
        try:
            found = {name: as_bytes(data) for name, data in files.items() if may_return(name)} if files else {}
        except (WireError, AttributeError):  # the learner's code has broken the form of the reply
            return {}
        given = {name: path.read_bytes() for name, path in self._files.items()}
        new = {name: data for name, data in found.items() if given.get(name) != data}
        return new if are_few(new) else {}

    def close(self) -> None:
        """Ends the process."""
        self.process.close()

    def _start(self) -> Process:
        process = Process(self._limits, self._files)
        process.ask("notebook", figures=self._figures)
        return process

    def _ask_to_run(self, cell: NotebookNode) -> dict:
        return self.process.ask(
            "cell",
            seconds=self._limits.cell_seconds,
            wall_seconds=self._limits.wall_seconds,
            source=cell.source,
            cell_id=cell.get("id"),
            names=self._exercises,
        )

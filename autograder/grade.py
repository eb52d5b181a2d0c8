"""`grade`: one learner notebook, cell by cell, as nbgrader's `autograde` grades it in this course."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder import render
from autograder.framework.isolation.limits import Limits
from autograder.framework.verdict import Fault
from autograder.run import GradingRun
from autograder.step import GradedCell, Step
from autograder.submission.reading import chapter_of, grade_id, marks, read
from autograder.submission.taking_in import take_in
from utils.manifest import load


@dataclass
class Graded:
    """One graded notebook."""

    notebook: str
    chapter: str
    cells: list[GradedCell] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def points(self) -> float:
        return sum(cell.points for cell in self.cells)

    @property
    def max_points(self) -> float:
        return sum(cell.max_points for cell in self.cells)

    def as_dict(self) -> dict[str, Any]:
        """The object that `grade --json` prints."""
        cells = [asdict(cell) for cell in self.cells]
        return {
            "notebook": self.notebook,
            "points": self.points,
            "max_points": self.max_points,
            "cells": cells,
        }


def grade_notebook(path: Path, limits: Limits | None = None) -> Graded:
    """The `Graded` notebook at `path`, within `limits`. Raises `NotGradable`."""
    submitted = read(path)
    chapter = chapter_of(path, submitted)
    notebook = take_in(submitted, nbformat.read(load().released_notebook(chapter), as_version=4))
    graded = Graded(str(path), chapter)
    with GradingRun(chapter, notebook, files=path.resolve().parent, limits=limits) as run:
        steps = run.steps(notebook.cells)
        graded.cells = [mark for cell, step in zip(notebook.cells, steps, strict=True) if (mark := _mark(cell, step)) is not None]
        graded.faults = run.faults
    return graded


def _mark(cell: NotebookNode, step: Step) -> GradedCell | None:
    """The mark of a cell: the judge's; nbgrader's own where a graded cell stands for no exercise; else None."""
    if step.graded is not None or not marks(cell).get("grade"):
        return step.graded
    from nbgrader.utils import determine_grade  # it takes a second, and the course's own cells do without

    points, most = determine_grade(nbformat.from_dict({**cell, "outputs": step.outputs}))
    how = "Graded by hand." if points is None else "Scored by nbgrader, by what the cell shows."
    return GradedCell(grade_id(cell) or "", float(points or 0), most, how)


def text(graded: Graded) -> str:
    """The graded cells as lines, and the total."""
    lines = [f"{graded.notebook} ({graded.chapter})"]
    for cell in graded.cells:
        score = f"{render.number(cell.points):>5} of {render.number(cell.max_points)}" if cell.max_points else "stretch"
        lines.append(f"{cell.grade_id:28} {score}")
        lines += [f"    {line}" for line in cell.message.splitlines()]
    lines.append(f"{'total':28} {render.number(graded.points):>5} of {render.number(graded.max_points)}")
    return "\n".join(lines)

"""`grade`: one learner notebook, cell by cell, as nbgrader would, with the scores decided outside the learner's process.

The graded and the locked cells are the released notebook's; of the learner's they keep only what a learner may write.
Cells run in order in an IPython shell in a process of its own. Where a check cell stands, the judge runs the component's
checks on the name as it is then. Quiz answers are read from their cell's source.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from autograder import render
from autograder.framework.happening import Happening, sentence
from autograder.framework.isolation.judging import Gone, judge_in
from autograder.framework.isolation.process import Process
from autograder.framework.verdict import Fault
from autograder.quiz.marks import grade_quiz_source
from utils.manifest import load

CELL_SECONDS = 60


class NotGradable(Exception):
    """The file is not a notebook of this course; the message says why, for a learner."""


@dataclass
class GradedCell:
    """One graded cell."""

    grade_id: str
    points: float
    max_points: float
    message: str


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


def grade_notebook(path: Path) -> Graded:
    """The `Graded` notebook at `path`. Raises `NotGradable`."""
    submitted = read(path)
    chapter = chapter_of(path, submitted)
    released = nbformat.read(load().released_notebook(chapter), as_version=4)
    written = _written(submitted)
    graded = Graded(str(path), chapter)
    with Process() as process:
        run = _Run(chapter, process, written)
        steps = [run.step(cell) for cell in _restored(released, submitted, written)]
        graded.cells, graded.faults = [cell for cell in steps if cell is not None], run.faults
    return graded


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook at `path`. Raises `NotGradable`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise NotGradable(
            "This is not a text file, and so not a notebook: hand in the .ipynb file that JupyterLab saved."
        ) from None
    if not text.strip():
        raise NotGradable("The file is empty: save the notebook in JupyterLab and hand it in again.")
    try:
        json.loads(text)
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except (
        ValueError,
        AttributeError,
        KeyError,
        TypeError,
        RecursionError,
        nbformat.ValidationError,
    ) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise NotGradable(f"This is not a readable notebook ({reason}): save it in JupyterLab and hand it in again.") from None
    return notebook


def chapter_of(path: Path, notebook: nbformat.NotebookNode) -> str:
    """The chapter that a notebook belongs to: by its file's name, else by its exercises. Raises `NotGradable`."""
    chapters = load().chapters
    named = [chapter.id for chapter in chapters if path.stem == chapter.id]
    if named:
        return named[0]
    ids = set(_written(notebook))
    found = [chapter.id for chapter in chapters if ids & {exercise.id for exercise in chapter.exercises}]
    if len(found) != 1:
        raise NotGradable("This notebook has no exercise of this course: hand in the chapter's own notebook, under its name.")
    return found[0]


def _grade_id(cell: nbformat.NotebookNode) -> str | None:
    marks = cell.metadata.get("nbgrader", {})
    return marks.get("grade_id") if isinstance(marks, dict) else None


def _marks(cell: nbformat.NotebookNode) -> Mapping[str, Any]:
    marks = cell.metadata.get("nbgrader", {})
    return marks if isinstance(marks, dict) else {}


def _written(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """{grade_id: source} of the cells that a learner writes in; of doubled cells the first counts."""
    sources: dict[str, str] = {}
    for cell in notebook.cells:
        id = _grade_id(cell)
        if id and _marks(cell).get("solution"):
            sources.setdefault(id, cell.source)
    return sources


def _restored(
    released: nbformat.NotebookNode, submitted: nbformat.NotebookNode, written: Mapping[str, str]
) -> list[nbformat.NotebookNode]:
    """The submitted cells in their order with locked sources restored; released cells that are missing come in their place."""
    locked = {_grade_id(cell): cell for cell in released.cells if _grade_id(cell)}
    order = [_grade_id(cell) for cell in released.cells if _grade_id(cell)]
    cells, done = [], set()
    for cell in submitted.cells:
        id = _grade_id(cell)
        if id is None:
            cells.append(cell)
        elif id in locked and id not in done:
            for earlier in order[: order.index(id)]:
                if earlier not in done and not _marks(locked[earlier]).get("solution"):
                    cells.append(locked[earlier])
                    done.add(earlier)
            kept = nbformat.from_dict(locked[id])
            if _marks(kept).get("solution"):
                kept.source = written.get(id, "")
            cells.append(kept)
            done.add(id)
    return cells + [locked[id] for id in order if id not in done]


class _Run:
    """The cells of one submission as they run in `process`."""

    def __init__(self, chapter: str, process: Process, written: Mapping[str, str]) -> None:
        self._chapter, self._process, self._written = chapter, process, written
        self._raised: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []

    def step(self, cell: nbformat.NotebookNode) -> GradedCell | None:
        """Runs an ordinary cell and returns None; judges a graded one and returns its `GradedCell`."""
        id, marks = _grade_id(cell) or "", _marks(cell)
        if not marks.get("grade"):
            if cell.cell_type == "code" and cell.source.strip():
                self._raised[id] = self._process.ask("cell", seconds=CELL_SECONDS, source=cell.source)["happened"]
            return None
        points = float(marks.get("points", 0))
        if marks.get("solution"):
            return GradedCell(id, 0.0, points, "Graded by hand.")
        name = id.removeprefix("check-")
        if name == "quiz":
            earned, _, message = grade_quiz_source(self._chapter, self._written.get("quiz", ""))
            return GradedCell(id, float(earned), points, message)
        earned, message = self._judge(name)
        return GradedCell(id, min(earned, points), points, message)

    def _judge(self, name: str) -> tuple[float, str]:
        if name not in self._written:
            return 0.0, f"The cell {name} is not in this notebook."
        try:
            verdict = judge_in(self._process, name)
        except Gone as gone:
            return 0.0, sentence(gone.happening, "The notebook")
        if verdict is not None:
            self.faults += verdict.faults
            return verdict.points, render.text(verdict)
        raised = self._raised.get(name)
        reason = (
            f" Its cell did not run: {sentence(Happening.from_dict(raised), 'The notebook')}"
            if raised
            else " Does its cell define that name?"
        )
        return 0.0, f"{name} is not there when its check cell runs.{reason}"


def text(graded: Graded) -> str:
    """The graded cells as lines, and the total."""
    lines = [f"{graded.notebook} ({graded.chapter})"]
    for cell in graded.cells:
        lines.append(f"{cell.grade_id:28} {render.number(cell.points):>5} of {render.number(cell.max_points)}")
        lines += [f"    {line}" for line in cell.message.splitlines()]
    lines.append(f"{'total':28} {render.number(graded.points):>5} of {render.number(graded.max_points)}")
    return "\n".join(lines)

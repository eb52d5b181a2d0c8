"""Runs the cells of one submission in a process of their own, and judges each exercise where its check cell stands.

The one way of grading, of `grade` and of nbgrader's `autograde` in this course. Scores are decided on the judge's side and
never travel through what a cell prints. Where an exercise ends the process (it does not come to an end, takes all memory,
crashes), another process takes over: the cells before run again, and from that exercise on the reference stands in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from nbformat import NotebookNode

from autograder import display, render
from autograder.display import Card, Mark
from autograder.framework.happening import Happening, sentence
from autograder.framework.isolation.judging import Gone, judge_in
from autograder.framework.isolation.process import Process
from autograder.framework.verdict import Fault, Verdict
from autograder.quiz.marks import quiz_marks
from autograder.submission.reading import grade_id, marks
from autograder.submission.taking_in import CHECK, binds
from utils.manifest import load

CELL_SECONDS = 15  # of processor time; training and exploring cost nothing under grading


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


class GradingRun:
    """The cells of one submission, in order. Use it in a `with` statement."""

    def __init__(self, chapter: str, notebook: NotebookNode, files: Path | None = None, figures: bool = False) -> None:
        """`notebook` as `take_in` gives it; `files` is the folder that it lies in; with `figures` pictures are kept."""
        self._chapter, self._files, self._figures = chapter, files, figures
        self._exercises = [exercise.id for exercise in load().chapter(chapter).exercises]
        self._owners = {cell: exercise.id for exercise in load().chapter(chapter).exercises for cell in exercise.cells}
        self._there = {grade_id(cell) for cell in notebook.cells}
        self._ran: list[tuple[NotebookNode, set[str]]] = []
        self._sources: list[str] = []
        self._raised: dict[str, Happening] = {}
        self._stand_ins: dict[str, Happening] = {}
        self._passed: set[str] = set()
        self._process = self._start()
        self.faults: list[Fault] = []

    def __enter__(self) -> GradingRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._process.close()

    def step(self, cell: NotebookNode) -> Step:
        """Runs an ordinary cell; judges what a graded one stands for."""
        found = marks(cell)
        if found.get("grade"):
            return self._grade(grade_id(cell) or "", float(found.get("points", 0)), bool(found.get("solution")))
        if cell.cell_type != "code" or not cell.source.strip():
            return Step()
        return Step(self._run(cell))

    def _start(self) -> Process:
        process = Process(files=self._files)
        process.ask("notebook", figures=self._figures)
        return process

    def _run(self, cell: NotebookNode) -> list[dict]:
        id = grade_id(cell) or ""
        owners = {self._owners[id]} if id in self._owners else {n for n in self._exercises if binds(cell.source, n)}
        self._sources.append(cell.source)
        reply = self._ask_to_run(cell)
        happened = Happening.from_dict(reply["happened"]) if reply["happened"] else None
        bound = set(reply.get("bound", ()))
        for name in owners | bound:
            self._raised.pop(name, None)
            if happened is not None and name not in bound:
                self._raised[name] = happened  # what an earlier cell defined is older: its check says so, as in a notebook
        if not self._process.gone:
            self._ran.append((cell, owners))
            return reply["outputs"] if isinstance(reply.get("outputs"), list) else []
        assert happened is not None  # what ended the process
        self._restart(owners, happened)
        words = sentence(happened, "This cell")
        return [{"output_type": "error", "ename": "CellEnded", "evalue": words, "traceback": [words]}]

    def _ask_to_run(self, cell: NotebookNode) -> dict:
        return self._process.ask("cell", seconds=CELL_SECONDS, source=cell.source, cell_id=cell.id, names=self._exercises)

    def _restart(self, names: set[str], happened: Happening) -> None:
        """Another process, in which the cells before have run; the reference stands in for `names`."""
        self._process.close()
        self._stand_ins.update(dict.fromkeys(names, happened))
        self._process = self._start()
        for cell, owners in list(self._ran):
            self._ask_to_run(cell)
            if self._process.gone:  # it did come to an end the first time: it is left out from now on
                self._ran.remove((cell, owners))
                return self._restart(set(), happened)
            self._process.ask("stand_in", names=sorted(owners & set(self._stand_ins)))
        self._process.ask("stand_in", names=sorted(self._stand_ins))
        return None

    def _grade(self, id: str, points: float, by_hand: bool) -> Step:
        if by_hand:
            return Step([], GradedCell(id, 0.0, points, "Graded by hand."))
        name = id.removeprefix(CHECK)
        if name == "quiz":
            earned, message, shown = quiz_marks(self._chapter, self._sources)
            return _step(GradedCell(id, min(float(earned), points), points, message), shown)
        verdict, message = self._judge(name)
        if verdict is None:
            return _step(GradedCell(id, 0.0, points, message), Card(message, mark=Mark.WRONG))
        self.faults += verdict.faults
        earned = min(verdict.points, points)
        shown = render.card(verdict, load().exercise(name).stretch)
        return _step(GradedCell(id, earned, points, message), shown, {"course": render.for_report(verdict)})

    def _judge(self, name: str) -> tuple[Verdict | None, str]:
        if name in self._stand_ins:
            return None, sentence(self._stand_ins[name], "The notebook")
        if name in self._raised:
            return None, self._missing(name)
        try:
            verdict = judge_in(self._process, name)
        except Gone as gone:
            self._restart({name}, gone.happening)
            return None, sentence(gone.happening, "The notebook")
        if self._process.gone:
            verdict = self._after_the_end(name, verdict)
        if verdict is None:
            return None, self._missing(name)
        if verdict.passed:
            self._passed.add(name)
        return verdict, render.text(verdict)

    def _after_the_end(self, name: str, first: Verdict | None) -> Verdict | None:
        """The verdict on what ended the process: was it the exercise itself, or an earlier one that it calls?"""
        happened = next(f.happening for f in (first.findings if first else []) if f.happening is not None and f.happening.gone)
        suspects = {other for other in self._exercises if other != name} - self._passed - set(self._stand_ins)
        suspects &= set(self._exercises[: self._exercises.index(name)])
        if suspects:
            before = dict(self._stand_ins)
            self._restart(suspects, happened)
            second = judge_in(self._process, name)
            self._stand_ins = before
            if second is not None and first is not None and second.points > first.points and not self._process.gone:
                self._restart(set(), happened)
                return second
        self._restart({name}, happened)
        return first

    def _missing(self, name: str) -> str:
        raised = self._raised.get(name)
        if raised is not None:
            return f"{name} was not judged: its cell did not run. {sentence(raised, 'The notebook')}"
        if name not in self._there:
            return f"The cell {name} is not in this notebook, and no other cell defines that name."
        return f"{name} is not there when its check cell runs. Does its cell define that name?"


def _step(graded: GradedCell, card: Card, metadata: dict[str, Any] | None = None) -> Step:
    """What a graded cell shows: a card, and its points in the form in which nbgrader reads them."""
    shown = {"text/plain": display.text(card), "text/html": display.html(card)}
    return Step(
        [
            {"output_type": "display_data", "data": shown, "metadata": metadata or {}},
            {
                "output_type": "execute_result",
                "data": {"text/plain": repr(float(graded.points))},
                "metadata": {},
                "execution_count": None,
            },
        ],
        graded,
    )

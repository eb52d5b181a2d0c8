"""Runs the cells of one submission in a process of their own, and judges each exercise where its check cell stands.

The one way of grading, of `grade` and of nbgrader's `autograde` in this course. Scores are decided on the judge's side and
never travel through what a cell prints. Where an exercise ends the process (it does not come to an end, takes all memory,
crashes), another process takes over: the cells before run again, and from that exercise on the reference stands in its place.

An exercise is judged in a copy of the process, made where its check cell stands, while the cells after it run on. Where the
judging ends such a copy, what ran on is given up: all is as if each exercise had been judged before the next cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from nbformat import NotebookNode

from autograder import outputs, render
from autograder.cell_process import CellProcess
from autograder.display import Card, Mark
from autograder.framework.candidate import EndedAtOnce
from autograder.framework.happening import Happening, sentence
from autograder.framework.isolation.judging import Gone, judge_in
from autograder.framework.isolation.limits import Limits
from autograder.framework.isolation.process import Process, Snapshot
from autograder.framework.isolation.transcripts import Transcripts
from autograder.framework.verdict import Fault, Verdict
from autograder.quiz.marks import quiz_marks
from autograder.step import GradedCell, Step
from autograder.submission.binding import binds
from autograder.submission.reading import grade_id, marks
from autograder.submission.taking_in import CHECK
from utils.manifest import load

_JUDGES = 2  # at the same time; each has the answer's process beside it


@dataclass
class _Judging:
    """An exercise that is judged in a copy of the process, and the state to which to go back where that ends the copy."""

    number: int
    check: tuple[str, float, str]  # of its cell the id and the points; the exercise
    step: Step
    copy: Snapshot
    missing: str
    state: tuple
    verdict: Future[Verdict | None]


class _Back(Exception):
    """What ran after the cell of this number is given up."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


class GradingRun:
    """The cells of one submission, in order. Use it in a `with` statement."""

    def __init__(
        self,
        chapter: str | None,
        notebook: NotebookNode,
        files: Path | None = None,
        figures: bool = False,
        limits: Limits | None = None,
        transcripts: Transcripts | None = None,
    ) -> None:
        """`notebook` as `take_in` gives it, or of no `chapter`; `files` is the folder that it lies in; with `figures` pictures
        are kept.

        With `transcripts`, of the submissions before, exercises are judged one after the other in the process itself: less
        work for a class as a whole, where every processor has a submission.
        """
        self._chapter, self._transcripts = chapter, transcripts
        self._there = {grade_id(cell) for cell in notebook.cells}
        exercises = load().chapter(chapter).exercises if chapter else load().exercises
        exercises = tuple(exercise for exercise in exercises if chapter or exercise.check_id in self._there)
        self._exercises = [exercise.id for exercise in exercises]
        self._owners = {cell: exercise.id for exercise in exercises for cell in exercise.cells}
        self._sources: list[str] = []
        self._raised: dict[str, Happening] = {}
        self._passed: set[str] = set()
        self._judges = ThreadPoolExecutor(_JUDGES)
        self._judged: list[_Judging] = []
        self._cells = CellProcess(self._exercises, files, figures, limits)
        self.faults: list[Fault] = []

    def __enter__(self) -> GradingRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._give_up()
        self._judges.shutdown()
        self._cells.close()

    def steps(self, cells: Iterable[NotebookNode]) -> list[Step]:
        """What became of each cell: an ordinary one is run; what a graded one stands for is judged.

        A graded cell that stands for nothing of this course is run, and has no mark here: nbgrader scores what it shows.
        """
        todo: list[NotebookNode] = list(cells)
        done: list[Step] = []
        while True:
            try:
                for number in range(len(done), len(todo)):
                    self._collect(wait=False)
                    done.append(self._step(number, todo[number]))
                self._collect(wait=True)
                return done
            except _Back as back:
                del done[back.number + 1 :]

    def _step(self, number: int, cell: NotebookNode) -> Step:
        found, step, id = marks(cell), Step(), grade_id(cell) or ""
        by_hand = bool(found.get("solution")) and cell.cell_type == "markdown"
        if found.get("grade") and (by_hand or self._judges_cell(id)):
            self._grade(number, step, id, float(found.get("points", 0)), by_hand)
        elif cell.cell_type == "code" and cell.source.strip():
            step.outputs = self._run(cell)
        step.ended = datetime.now(UTC)
        return step

    def _judges_cell(self, id: str) -> bool:
        name = id.removeprefix(CHECK)
        return name != id and (name in self._exercises or (name == "quiz" and self._chapter is not None))

    def written(self) -> dict[str, bytes]:
        """The files that cells have written into their folder, or changed."""
        return self._cells.written()

    def _collect(self, wait: bool) -> None:
        """Takes in what was judged meanwhile, in order; with `wait` all of it. Raises `_Back` where that ended a copy."""
        while self._judged and (wait or self._judged[0].verdict.done()):
            judging = self._judged.pop(0)
            verdict: Verdict | None = None
            gone: Happening | None = None
            try:
                verdict = judging.verdict.result()
            except Gone as error:
                gone = error.happening
            ended = judging.copy.gone
            judging.copy.close()
            if ended:
                self._go_back(judging, verdict, gone)
            self._conclude(judging.step, judging.check, verdict, judging.missing)

    def _go_back(self, judging: _Judging, verdict: Verdict | None, gone: Happening | None) -> None:
        """Goes on behind an exercise whose judging ended its copy. Raises `_Back`."""
        self._give_up()
        self._cells.ran, self._sources, self._raised = judging.state
        name = judging.check[2]
        if not judging.copy.alone:  # was it for a thread that a copy lacks?
            self._cells.renew()
            verdict, message = self._judge(name)
        elif gone is not None:
            self._cells.restart({name}, gone)
            verdict, message = None, sentence(gone, "The notebook")
        else:
            verdict = self._after_the_end(name, verdict, judging.copy)
            message = judging.missing
        self._conclude(judging.step, judging.check, verdict, message)
        raise _Back(judging.number)

    def _give_up(self) -> None:
        """Ends all judging that is under way."""
        given_up, self._judged = self._judged, []
        for judging in given_up:
            judging.verdict.cancel()
            judging.copy.end()
        for judging in given_up:
            if not judging.verdict.cancelled():
                judging.verdict.exception()
            judging.copy.close()

    def _run(self, cell: NotebookNode) -> list[dict]:
        id = grade_id(cell) or ""
        owners = {self._owners[id]} if id in self._owners else {n for n in self._exercises if binds(cell.source, n)}
        self._sources.append(cell.source)
        reply = self._cells.run(cell, owners)
        happened = Happening.from_dict(reply["happened"]) if reply.get("happened") else None
        bound = set(reply.get("bound", ()))
        for name in owners | bound:
            self._raised.pop(name, None)
            if happened is not None and name not in bound:
                self._raised[name] = happened  # what an earlier cell defined is older: its check says so, as in a notebook
        if not self._cells.process.gone:
            shown = reply["outputs"]
            if happened is not None and not any(outputs.is_error(output) for output in shown):
                shown.append(outputs.error(happened.error, happened.message))  # whoever hides it has raised it all the same
            return shown
        assert happened is not None  # what ended the process
        self._collect(wait=True)
        self._cells.restart(owners, happened)
        words = sentence(happened, "This cell")
        return [outputs.error("CellEnded", words)]

    def _grade(self, number: int, step: Step, id: str, points: float, by_hand: bool) -> None:
        name = id.removeprefix(CHECK)
        if by_hand:
            step.graded = GradedCell(id, 0.0, points, "Graded by hand.")
        elif name == "quiz":
            assert self._chapter is not None, "elsewhere a quiz is not ours"
            earned, message, shown = quiz_marks(self._chapter, self._sources)
            outputs.show(step, GradedCell(id, min(float(earned), points), points, message), shown)
        elif not self._judge_aside(number, step, (id, points, name)):
            self._conclude(step, (id, points, name), *self._judge(name))

    def _judge_aside(self, number: int, step: Step, check: tuple[str, float, str]) -> bool:
        """Has an exercise judged in a copy of the process; False where it has to be judged here."""
        name = check[2]
        in_place = self._transcripts is not None or name in self._cells.stand_ins or name in self._raised
        copy = None if in_place else self._cells.process.snapshot()
        if copy is None:
            return False
        state = list(self._cells.ran), list(self._sources), dict(self._raised)
        verdict = self._judges.submit(_judge_in_copy, copy, name)
        self._judged.append(_Judging(number, check, step, copy, self._missing(name), state, verdict))
        return True

    def _conclude(self, step: Step, check: tuple[str, float, str], verdict: Verdict | None, missing: str) -> None:
        """Gives a check its mark; `missing` is what there is to say where there is no verdict."""
        id, points, name = check
        step.ended = datetime.now(UTC)
        if verdict is None:
            return outputs.show(step, GradedCell(id, 0.0, points, missing), Card(missing, mark=Mark.WRONG))
        self.faults += verdict.faults
        if verdict.passed:
            self._passed.add(name)
        stretch = load().exercise(name).stretch
        shown = render.card(verdict, stretch)
        earned = points * verdict.points / verdict.max_points  # another assignment may weigh the exercise otherwise
        graded = GradedCell(id, min(earned, points), points, render.text(verdict, stretch))
        return outputs.show(step, graded, shown, {"course": render.for_report(verdict)})

    def _judge(self, name: str) -> tuple[Verdict | None, str]:
        """The verdict on an exercise as it stands in the process itself, and what is said where there is none."""
        if name in self._cells.stand_ins:
            return None, sentence(self._cells.stand_ins[name], "The notebook")
        if name in self._raised:
            return None, self._missing(name)
        self._collect(wait=True)
        try:
            verdict = self._judge_here(name)
        except Gone as gone:
            self._cells.restart({name}, gone.happening)
            return None, sentence(gone.happening, "The notebook")
        if self._cells.process.gone:
            verdict = self._after_the_end(name, verdict, self._cells.process)
        return verdict, self._missing(name)

    def _judge_here(self, name: str) -> Verdict | None:
        try:
            return judge_in(self._cells.process, name, self._transcripts)
        except EndedAtOnce:
            self._cells.renew()
            return judge_in(self._cells.process, name)

    def _after_the_end(self, name: str, first: Verdict | None, ended: Process) -> Verdict | None:
        """The verdict on what has `ended` its process: was it the exercise itself, or an earlier one that it calls?"""
        assert ended.ending is not None
        happened = ended.ending
        suspects = {other for other in self._exercises if other != name} - self._passed - set(self._cells.stand_ins)
        suspects &= set(self._exercises[: self._exercises.index(name)])
        if suspects:
            before = dict(self._cells.stand_ins)
            self._cells.restart(suspects, happened)
            second = judge_in(self._cells.process, name)
            self._cells.stand_ins = before
            if second is not None and first is not None and second.points > first.points and not self._cells.process.gone:
                self._cells.renew()
                return second
        self._cells.restart({name}, happened)
        return first

    def _missing(self, name: str) -> str:
        raised = self._raised.get(name)
        if raised is not None:
            return f"{name} was not judged: its cell did not run. {sentence(raised, 'The notebook')}"
        if name not in self._there:
            return f"The cell {name} is not in this notebook, and no other cell defines that name."
        return f"{name} is not there when its check cell runs. Does its cell define that name?"


def _judge_in_copy(copy: Snapshot, name: str) -> Verdict | None:
    copy.watch()
    return judge_in(copy, name)

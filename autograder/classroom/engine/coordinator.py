"""Prepare and commit: nbgrader's own `Autograde`, with its run of the notebook taken out and done by workers.

Prepare reads a submission as nbgrader's steps before the run leave it, and changes nothing. Commit is nbgrader's `autograde` of
that one submission, from the copy of its files to the gradebook, with the results put where its run would be. So the gradebook
is written by this process alone, one submission after the other, and a kill at any moment leaves what nbgrader would leave.
"""

from __future__ import annotations

import gc
import glob
import itertools
import logging
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import filelock
from nbgrader.api import Gradebook
from nbgrader.apps import AutogradeApp
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SAWarning
from tqdm import tqdm

from autograder.classroom.engine.gradebook import SharedGradebook
from autograder.classroom.engine.jobs import NoSandbox, Result, chapter_of
from autograder.classroom.engine.outcome import Outcome
from autograder.classroom.engine.policy import GradingPolicy
from autograder.classroom.engine.steps import Steps, Submission
from autograder.classroom.engine.stopping import CannotStart, raise_if_it_stops, told
from autograder.classroom.engine.store import Store
from autograder.classroom.engine.workers import LocalWorkers, Lost, Workers, processors
from autograder.classroom.report import why_not
from autograder.framework.isolation import sandbox
from autograder.submission.handed_in import NotGradable, is_own_folder
from utils.manifest import load

_MOST_WAITING = 256  # submissions that are prepared and with the workers at the same time
_UNSAFE = "Or give --unsafe-no-sandbox: then a submission can do whatever you can do."


class Engine(Steps):
    """nbgrader's `Autograde`, which takes its class through prepare, execute and commit."""

    def __init__(
        self,
        workers: Callable[[], Workers] | None = None,
        unsafe_no_sandbox: bool = False,
        quiet: bool = False,
        **options: Any,
    ):
        """`workers` makes those who execute, by default local ones; they are closed when the class is graded."""
        super().__init__(**options)
        self.workers = workers or (lambda: LocalWorkers(processors(), unsafe_no_sandbox))
        self.unsafe_no_sandbox, self.quiet = unsafe_no_sandbox, quiet
        self.outcome = Outcome()

    def convert_notebooks(self) -> None:
        """Grades what `init_notebooks` has found; the `outcome` says what became of it. Raises `CannotStart`."""
        with told(self.outcome), self._alone():
            self._grade()

    def _alone(self) -> AbstractContextManager[Any]:
        self.results.mkdir(parents=True, exist_ok=True)
        try:
            return filelock.FileLock(self.results / "autograde.lock").acquire(timeout=0)
        except filelock.Timeout:
            raise CannotStart("another autograde runs in this course directory: wait for its end") from None

    @property
    def results(self) -> Path:
        """Where the engine keeps what it has found, beside the graded submissions."""
        return Path(self.coursedir.root, self.coursedir.autograded_directory).parent / "results"

    def _grade(self) -> None:
        todo = []
        for submission in self.submissions():
            if self.wants(submission):
                todo.append(submission)
            else:
                self.outcome.skipped.append(submission.student)
        if todo:
            own = time.process_time()
            _Grading(self, self.workers()).run(todo)
            self.outcome.own_seconds = time.process_time() - own


class _Class(Engine):
    """The engine as `python -m autograder autograde` runs it: what is not a submission has its line in the outcome, too."""

    def __init__(self, students: Collection[str], **options: Any):
        super().__init__(**options)
        self._students = students
        self.log.setLevel(logging.CRITICAL)

    def init_notebooks(self) -> None:
        """All folders of the assignment, also those without a notebook; the names in a folder are no patterns."""
        found = {}
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        for folder in map(Path, glob.glob(pattern)):
            if folder.parent.name.isprintable():
                notebooks = folder.glob(f"{self.coursedir.notebook_id}.ipynb") if is_own_folder(folder) else ()
                found[str(folder)] = sorted(map(str, notebooks))
            elif not self._students or folder.parent.name in self._students:
                self.outcome.problems[folder.parent.name] = "The folder's name cannot stand in a line of text: rename it."
        self.assignments = found
        there = {submission.student: str(submission.folder) for submission in self.submissions()}
        missing = sorted(set(self._students) - set(there))
        if missing:
            raise CannotStart(f"nothing was handed in by {', '.join(missing)}")
        if not found:
            raise CannotStart(f"nothing was handed in for {self.coursedir.assignment_id}")
        if self._students:
            self.assignments = {there[student]: found[there[student]] for student in self._students}


def autograde(
    assignment: str,
    students: Sequence[str] = (),
    force: bool = False,
    jobs: int | None = None,
    workers: Workers | None = None,
    unsafe_no_sandbox: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Grades the submissions of an assignment, a chapter or another, in the course directory that is the working folder.

    `students`: these alone. `force`: those too that are graded already. `jobs` processes of this machine execute, or `workers`.
    Raises `CannotStart`.
    """
    reason = None if unsafe_no_sandbox or workers is not None else sandbox.why_not()
    if reason is not None:
        raise CannotStart(f"{reason} {_UNSAFE}")
    began, outcome = time.monotonic(), Outcome()
    gc.freeze()  # what is imported stays: no collection has to look through it
    with told(outcome):
        app = _application(assignment)
        engine = _Class(
            students,
            workers=lambda: workers or LocalWorkers(jobs or processors(), unsafe_no_sandbox),
            unsafe_no_sandbox=unsafe_no_sandbox,
            quiet=quiet,
            coursedir=app.coursedir,
            parent=app,
        )
        engine.force, engine.outcome = force, outcome
        engine.start()
    outcome.seconds = time.monotonic() - began
    return outcome


def _application(assignment: str) -> AutogradeApp:
    """nbgrader's own command as the course directory configures it. Raises `CannotStart` where nothing is known of it."""
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own code gives them
    app = AutogradeApp()
    app.initialize([assignment])
    app.coursedir.assignment_id = assignment
    url = make_url(app.coursedir.db_url)
    first = f"run `nbgrader generate_assignment {assignment}` first"
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise CannotStart(f"there is no gradebook: {first}")
    with Gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
        known = {each.name for each in gradebook.assignments if each.notebooks}
    if assignment not in known:
        chapters = [each.id for each in load().chapters]
        if assignment in chapters:
            raise CannotStart(f"the gradebook does not know {assignment}: {first}")
        raise CannotStart(f"unknown chapter or assignment {assignment!r}: choose from {', '.join(sorted({*chapters, *known}))}")
    return app


class _Grading:
    """One class as it is graded: who is prepared, who is with a worker, what is in the gradebook."""

    def __init__(self, engine: Engine, workers: Workers):
        self._engine, self._outcome, self._workers = engine, engine.outcome, workers
        self._limits = GradingPolicy(parent=engine).limits
        self._store = Store(engine.results)
        self._waiting: dict[Future[Result], Submission] = {}
        self._done: SimpleQueue[Future[Result]] = SimpleQueue()
        self._began = time.monotonic()

    def run(self, todo: Sequence[Submission]) -> None:
        """Grades all of them. Raises `Stopped`, `CannotStart`."""
        shared = SharedGradebook(self._engine.coursedir.db_url, self._engine.coursedir.course_id)
        progress = tqdm(total=len(todo), unit="submission", disable=self._engine.quiet or None)
        with shared as self._engine.gradebook, progress as self._bar:
            try:
                for submission in todo:
                    self._prepare(submission)
                    self._collect(wait=len(self._waiting) >= _MOST_WAITING)
                while self._waiting:
                    self._collect(wait=True)
            finally:
                self._workers.close()

    def _prepare(self, submission: Submission) -> None:
        try:
            self._engine.check(submission)
        except NotGradable as problem:
            self._outcome.problems[submission.student] = str(problem)
            self._bar.update()
            return
        try:
            with self._engine.gradebook.submission():
                self._engine.prepare(submission, self._limits, self._engine.unsafe_no_sandbox)
        except Exception as error:  # noqa: BLE001 (no submission stops the others)
            raise_if_it_stops(error)
            self._fail(submission, error)
            return
        known = self._store.get(submission.job.key) if submission.job else None
        if known is not None:
            self._outcome.stored += 1
        if submission.job is None or known is not None:
            self._commit(submission, known)
        else:
            submission.handed_over = time.monotonic()
            future = self._workers.submit(submission.job)
            self._waiting[future] = submission
            future.add_done_callback(self._done.put)

    def _collect(self, wait: bool) -> None:
        """Takes what has come; with `wait` it waits for one."""
        while self._waiting:
            try:
                future = self._done.get(block=wait)
            except Empty:
                return
            wait = False
            self._take(future, self._waiting.pop(future))

    def _take(self, future: Future[Result], submission: Submission) -> None:
        assert submission.job is not None
        self._outcome.latencies.append(time.monotonic() - submission.handed_over)
        try:
            result = future.result()
        except NoSandbox as problem:
            raise CannotStart(f"{problem} {_UNSAFE}") from None
        except Exception as error:  # noqa: BLE001 (a fault of ours is never a mark)
            self._fail(submission, error)
            return
        if not result.faults:
            self._store.put(submission.job.key, result)
        self._commit(submission, result)

    def _fail(self, submission: Submission, error: Exception) -> None:
        """What nbgrader does with a submission that cannot be graded; its line says why."""
        submission.problem = error
        self._commit(submission, None)

    def _commit(self, submission: Submission, result: Result | None) -> None:
        try:
            with self._engine.gradebook.submission():
                self._engine.commit(submission, result)
        except Exception as problem:  # noqa: BLE001 (nbgrader's own have many types)
            raise_if_it_stops(problem)
            self._outcome.problems[submission.student] = _reason(submission.problem or problem, submission)
        else:
            self._note(submission, result)
        finally:
            self._bar.update()

    def _note(self, submission: Submission, result: Result | None) -> None:
        outcome = self._outcome
        outcome.first_seconds = outcome.first_seconds or time.monotonic() - self._began
        outcome.graded.append(submission.student)
        if result is None:
            return
        if result.faults:
            outcome.faults[submission.student] = result.faults
        for step in itertools.chain.from_iterable(result.steps.values()):
            if step.graded is not None:
                outcome.times.setdefault(step.graded.grade_id, []).append((step.ended - step.began).total_seconds())


def _reason(error: BaseException, submission: Submission) -> str:
    if isinstance(error, NotGradable | Lost):
        return str(error)
    if submission.problem is None and chapter_of(submission.assignment, submission.assignment):
        return why_not(submission.folder, submission.assignment, [submission.assignment])
    return f"{type(error).__name__}: {error}"

"""Prepare and commit: nbgrader's own `Autograde`, with its run of the notebook taken out and done by workers.

Prepare reads a submission as nbgrader's steps before the run leave it, and changes nothing. Commit is nbgrader's `autograde` of
that one submission, from the copy of its files to the gradebook, with the results put where its run would be. So the gradebook
is written by this process alone, one submission after the other, and a kill at any moment leaves what nbgrader would leave.
"""

from __future__ import annotations

import errno
import glob
import os
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import filelock
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SAWarning
from tqdm import tqdm

from autograder.classroom.autograding import RunCells
from autograder.classroom.engine.gradebook import SharedGradebook
from autograder.classroom.engine.jobs import NoSandbox, Result
from autograder.classroom.engine.policy import GradingPolicy
from autograder.classroom.engine.steps import Steps, Submission
from autograder.classroom.engine.store import Store
from autograder.classroom.engine.workers import LocalWorkers, Lost, Workers
from autograder.classroom.report import why_not
from autograder.framework.isolation import sandbox
from autograder.submission.reading import NotGradable
from utils.manifest import load

_MOST_WAITING = 256  # submissions that are prepared and with the workers at the same time
_KEPT = "Who is graded stays graded, and what was found is kept: running it again goes on from here."
_UNSAFE = "Or give --unsafe-no-sandbox: then a submission can do whatever you can do."


class CannotStart(Exception):
    """Grading cannot start as asked for; the message says why."""


class Stopped(Exception):
    """Grading stopped on the way; the message says why. Running it again goes on."""


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


def autograde(
    chapter: str,
    students: Sequence[str] = (),
    force: bool = False,
    jobs: int | None = None,
    workers: Workers | None = None,
    unsafe_no_sandbox: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Grades the submissions of a chapter in the course directory that is the working folder.

    `students`: these alone. `force`: those too that are graded already. `jobs` processes of this machine execute, or `workers`.
    Raises `CannotStart`.
    """
    began = time.monotonic()
    reason = None if unsafe_no_sandbox or workers is not None else sandbox.why_not()
    if reason is not None:
        raise CannotStart(f"{reason} {_UNSAFE}")
    outcome = Outcome()
    try:
        _autograde(
            chapter,
            students,
            force,
            lambda: workers or LocalWorkers(jobs or _processors(), unsafe_no_sandbox),
            unsafe_no_sandbox,
            quiet,
            outcome,
        )
    except (Stopped, OSError, OperationalError) as problem:
        outcome.stopped = _what_stops(problem)
        if not outcome.stopped:
            raise
    outcome.seconds = time.monotonic() - began
    return outcome


def _autograde(
    chapter: str,
    students: Sequence[str],
    force: bool,
    workers: Callable[[], Workers],
    unsafe_no_sandbox: bool,
    quiet: bool,
    outcome: Outcome,
) -> None:
    app = _application(chapter, force)
    with _alone(app):
        todo = list(_to_do(app, students, outcome))
        if todo:
            own = time.process_time()
            _Grading(app, outcome, workers(), unsafe_no_sandbox).run(todo, quiet)
            outcome.own_seconds = time.process_time() - own


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _application(chapter: str, force: bool) -> AutogradeApp:
    """nbgrader's own command as the course directory configures it."""
    if chapter not in [each.id for each in load().chapters]:
        raise CannotStart(f"unknown chapter {chapter!r}: choose from {', '.join(each.id for each in load().chapters)}")
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own code gives them
    app = AutogradeApp()
    app.initialize([chapter])
    app.coursedir.assignment_id = chapter
    app.config.BaseConverter.force = force
    url = make_url(app.coursedir.db_url)
    first = f"run `nbgrader generate_assignment {chapter}` first"
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise CannotStart(f"there is no gradebook: {first}")
    with Gradebook(app.coursedir.db_url, app.coursedir.course_id) as gradebook:
        try:
            gradebook.find_notebook(chapter, chapter)
        except MissingEntry:
            raise CannotStart(f"the gradebook does not know {chapter}: {first}") from None
    return app


def _alone(app: AutogradeApp) -> filelock.BaseFileLock:
    folder = _own_folder(app)
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "autograde.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise CannotStart("another autograde runs in this course directory: wait for its end") from None
    return lock


def _own_folder(app: AutogradeApp) -> Path:
    """Where the engine keeps its results."""
    return Path(app.coursedir.root, "classroom", "results")


def _to_do(app: AutogradeApp, students: Collection[str], outcome: Outcome) -> Iterator[Submission]:
    chapter, coursedir = app.coursedir.assignment_id, app.coursedir
    found = {}
    for folder in sorted(glob.glob(coursedir.format_path(coursedir.submitted_directory, "*", chapter))):
        if Path(folder).is_dir():
            found[Path(folder).parent.name] = Path(folder)
    missing = sorted(set(students) - set(found))
    if missing:
        raise CannotStart(f"nothing was handed in by {', '.join(missing)}")
    if not found:
        raise CannotStart(f"nothing was handed in for {chapter}")
    for student, folder in found.items():
        if students and student not in students:
            continue
        graded = Path(coursedir.format_path(coursedir.autograded_directory, student, chapter))
        if graded.exists() and not app.config.BaseConverter.force and not _newer(coursedir, folder, graded):
            outcome.skipped.append(student)
        else:
            yield Submission(student, folder)


def _newer(coursedir: CourseDirectory, handed_in: Path, graded: Path) -> bool:
    new, old = (coursedir.get_existing_timestamp(str(folder)) for folder in (handed_in, graded))
    return new is not None and old is not None and new > old


class _Grading:
    """One class as it is graded: who is prepared, who is with a worker, what is in the gradebook."""

    def __init__(self, app: AutogradeApp, outcome: Outcome, workers: Workers, unsafe_no_sandbox: bool):
        self._app, self._outcome, self._workers, self._unsafe = app, outcome, workers, unsafe_no_sandbox
        self._limits = GradingPolicy(parent=app).limits
        self._store = Store(_own_folder(app))
        self._waiting: dict[Future[Result], Submission] = {}
        self._began = time.monotonic()

    def run(self, todo: Sequence[Submission], quiet: bool) -> None:
        """Grades all of them. Raises `Stopped`, `CannotStart`."""
        shared = SharedGradebook(self._app.coursedir.db_url, self._app.coursedir.course_id)
        with shared as self._gradebook, tqdm(total=len(todo), unit="submission", disable=quiet or None) as self._bar:
            try:
                for submission in todo:
                    self._prepare(submission)
                    self._collect(wait=len(self._waiting) >= _MOST_WAITING)
                while self._waiting:
                    self._collect(wait=True)
            finally:
                self._workers.close()

    def _prepare(self, submission: Submission) -> None:
        steps = Steps(self._app, submission, self._gradebook)
        try:
            with self._gradebook.submission():
                submission.job = steps.prepared(self._limits, self._unsafe)
        except Exception as error:  # noqa: BLE001 (no submission stops the others)
            _stops(error)
            self._outcome.problems[submission.student] = _reason(error, submission)
            self._bar.update()
            return
        known = self._store.get(submission.job.key)
        if known is None:
            submission.handed_over = time.monotonic()
            self._waiting[self._workers.submit(submission.job)] = submission
        else:
            self._outcome.stored += 1
            self._commit(submission, known)

    def _collect(self, wait: bool) -> None:
        if wait and self._waiting:
            futures.wait(self._waiting, return_when=futures.FIRST_COMPLETED)
        for future in [each for each in self._waiting if each.done()]:
            self._take(future, self._waiting.pop(future))

    def _take(self, future: Future[Result], submission: Submission) -> None:
        assert submission.job is not None
        self._outcome.latencies.append(time.monotonic() - submission.handed_over)
        try:
            result = future.result()
        except NoSandbox as problem:
            raise CannotStart(f"{problem} {_UNSAFE}") from None
        except Exception as error:  # noqa: BLE001 (a fault of ours is never a mark)
            self._outcome.problems[submission.student] = _reason(error, submission)
            self._bar.update()
            return
        if not result.faults:
            self._store.put(submission.job.key, result)
        self._commit(submission, result)

    def _commit(self, submission: Submission, result: Result) -> None:
        steps = Steps(self._app, submission, self._gradebook)
        RunCells.done[submission.student] = result
        try:
            with self._gradebook.submission():
                steps.start()
        except Exception as error:  # noqa: BLE001 (nbgrader's own have many types)
            problem = steps.problem or error
            _stops(problem)
            self._outcome.problems[submission.student] = _reason(problem, submission)
        else:
            self._note(submission, result)
        finally:
            del RunCells.done[submission.student]
            self._bar.update()

    def _note(self, submission: Submission, result: Result) -> None:
        outcome = self._outcome
        outcome.first_seconds = outcome.first_seconds or time.monotonic() - self._began
        outcome.graded.append(submission.student)
        if result.faults:
            outcome.faults[submission.student] = result.faults
        for step in result.steps:
            if step.graded is not None:
                outcome.times.setdefault(step.graded.grade_id, []).append((step.ended - step.began).total_seconds())


def _stops(error: BaseException) -> None:
    """Raises `Stopped` where every other submission would meet the same: a full disk, a locked gradebook."""
    reason = _what_stops(error)
    if reason:
        raise Stopped(reason) from error


def _what_stops(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Stopped):
            return str(cause)
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk is full ({cause.filename or cause.strerror}): make room and run it again. {_KEPT}"
        if isinstance(cause, OperationalError):
            reason = str(cause.orig or cause).strip()
            return f"the gradebook cannot be written ({reason}): close what else uses it, or make room. {_KEPT}"
        cause = cause.__cause__ or cause.__context__
    return ""


def _reason(error: BaseException, submission: Submission) -> str:
    if isinstance(error, NotGradable | Lost):
        return str(error)
    if isinstance(error, FileNotFoundError) and submission.job is None:
        return why_not(submission.folder, submission.folder.name)
    return f"{type(error).__name__}: {error}"


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
    lines += [f"{student}: not graded: {reason}" for student, reason in sorted(outcome.problems.items())]
    if outcome.stopped:
        lines.append(f"stopped: {outcome.stopped}")
    return "\n".join(lines)

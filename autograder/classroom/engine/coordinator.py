"""Prepare and commit: nbgrader's own `Autograde`, with its run of the notebook taken out and done by workers.

Prepare reads a submission as nbgrader's steps before the run leave it, and changes nothing. Commit is nbgrader's `autograde` of
that one submission, from the copy of its files to the gradebook, with the results put where its run would be. So the gradebook
is written by this process alone, one submission after the other, and a kill at any moment leaves what nbgrader would leave.
"""

from __future__ import annotations

import glob
import logging
import os
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SAWarning
from tqdm import tqdm

from autograder.classroom.autograding import RunCells
from autograder.classroom.engine.jobs import Job, NoSandbox, Result
from autograder.classroom.engine.policy import GradingPolicy
from autograder.classroom.engine.store import Store
from autograder.classroom.engine.workers import LocalWorkers, Lost, Workers
from autograder.classroom.report import why_not
from autograder.framework.isolation import sandbox
from autograder.framework.isolation.limits import Limits
from autograder.submission.beside import beside_notebook
from autograder.submission.reading import NotGradable
from utils.manifest import load


_UNSAFE = "Or give --unsafe-no-sandbox: then a submission can do whatever you can do."


class CannotStart(Exception):
    """Grading cannot start as asked for; the message says why."""


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


@dataclass
class _Submission:
    student: str
    folder: Path
    job: Job | None = None


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
    app = _application(chapter, force)
    outcome = Outcome()
    with _alone(app):
        todo = list(_to_do(app, students, outcome))
        if todo:
            _grade(app, todo, outcome, workers or LocalWorkers(jobs or _processors()), unsafe_no_sandbox, quiet)
    outcome.seconds = time.monotonic() - began
    return outcome


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


def _to_do(app: AutogradeApp, students: Collection[str], outcome: Outcome) -> Iterator[_Submission]:
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
            yield _Submission(student, folder)


def _newer(coursedir: CourseDirectory, handed_in: Path, graded: Path) -> bool:
    new, old = (coursedir.get_existing_timestamp(str(folder)) for folder in (handed_in, graded))
    return new is not None and old is not None and new > old


def _grade(
    app: AutogradeApp, todo: list[_Submission], outcome: Outcome, workers: Workers, unsafe_no_sandbox: bool, quiet: bool
) -> None:
    limits = GradingPolicy(parent=app).limits
    store = Store(_own_folder(app))
    with tqdm(total=len(todo), unit="submission", disable=quiet or None) as bar:
        try:
            waiting: dict[Future[Result], _Submission] = {}
            for submission in todo:
                steps = _Steps(app, submission)
                try:
                    submission.job = steps.prepared(limits, unsafe_no_sandbox)
                except Exception as error:  # noqa: BLE001 (no submission stops the others)
                    outcome.problems[submission.student] = _reason(error, submission)
                    bar.update()
                    continue
                known = store.get(submission.job.key)
                if known is not None:
                    outcome.stored += 1
                    _commit(app, submission, known, outcome)
                    bar.update()
                else:
                    waiting[workers.submit(submission.job)] = submission
                for future in [each for each in waiting if each.done()]:
                    _take(app, store, future, waiting.pop(future), outcome)
                    bar.update()
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    _take(app, store, future, waiting.pop(future), outcome)
                    bar.update()
        finally:
            workers.close()


def _take(app: AutogradeApp, store: Store, future: Future[Result], submission: _Submission, outcome: Outcome) -> None:
    assert submission.job is not None
    try:
        result = future.result()
    except NoSandbox as problem:
        raise CannotStart(f"{problem} {_UNSAFE}") from None
    except Exception as error:  # noqa: BLE001 (a fault of ours is never a mark)
        outcome.problems[submission.student] = _reason(error, submission)
        return
    if not result.faults:
        store.put(submission.job.key, result)
    _commit(app, submission, result, outcome)


def _commit(app: AutogradeApp, submission: _Submission, result: Result, outcome: Outcome) -> None:
    steps = _Steps(app, submission)
    RunCells.done[submission.student] = result
    try:
        steps.start()
    except Exception as error:  # noqa: BLE001 (nbgrader's own have many types)
        outcome.problems[submission.student] = _reason(steps.problem or error, submission)
        return
    finally:
        del RunCells.done[submission.student]
    outcome.graded.append(submission.student)
    if result.faults:
        outcome.faults[submission.student] = result.faults
    for step in result.steps:
        if step.graded is not None:
            outcome.times.setdefault(step.graded.grade_id, []).append((step.ended - step.began).total_seconds())


def _reason(error: BaseException, submission: _Submission) -> str:
    if isinstance(error, NotGradable | Lost):
        return str(error)
    if isinstance(error, FileNotFoundError) and submission.job is None:
        return why_not(submission.folder, submission.folder.name)
    return f"{type(error).__name__}: {error}"


class _Steps(Autograde):
    """nbgrader's steps for one submission."""

    def __init__(self, app: AutogradeApp, submission: _Submission):
        super().__init__(coursedir=app.coursedir, parent=app)
        self._submission = submission
        self.problem: BaseException | None = None
        self.log.setLevel(logging.CRITICAL)

    def init_notebooks(self) -> None:
        """Of this submission alone; the names in its folder are no patterns."""
        found = sorted(str(path) for path in self._submission.folder.glob("*.ipynb"))
        self.assignments = {str(self._submission.folder): found}
        self.notebooks = found

    def prepared(self, limits: Limits, unsafe_no_sandbox: bool) -> Job:
        """The job that the submission is, after nbgrader's steps before the run; nothing is written."""
        chapter = self._submission.folder.name
        self.init_notebooks()
        self.coursedir.student_id = self._submission.student
        self.run_pre_convert_hook()
        wanted = self._submission.folder / f"{chapter}.ipynb"
        if not wanted.is_file():
            raise FileNotFoundError(wanted)
        self.exporter = self.exporter_class(parent=self, config=self.config)
        self._sanitizing = True
        self._init_preprocessors()
        resources = self.init_single_notebook_resources(str(wanted))
        text, _ = self.exporter.from_filename(str(wanted), resources=resources)
        nbformat.reads(text, as_version=4)
        files = {name: path.read_bytes() for name, path in beside_notebook(self._submission.folder).items()}
        source = self.coursedir.format_path(self.coursedir.source_directory, ".", chapter)
        for name in find_all_files(source, [*self.coursedir.ignore, "*.ipynb"]):
            files[Path(name).relative_to(source).as_posix()] = Path(name).read_bytes()
        return Job(chapter, text, files, limits, unsafe_no_sandbox)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        try:
            super().convert_single_notebook(notebook_filename)
        except Exception as error:
            self.problem = error
            raise


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
    return "\n".join(lines)

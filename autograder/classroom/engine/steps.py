"""nbgrader's own steps, parted where nbgrader would run a notebook's cells."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter
from nbgrader.preprocessors import Execute
from nbgrader.utils import find_all_files
from traitlets.utils.importstring import import_item

from autograder.classroom import autograding
from autograder.classroom.engine.gradebook import SharedGradebook
from autograder.classroom.engine.jobs import Job, Result, chapter_of
from autograder.framework.isolation.limits import Limits
from autograder.submission.beside import beside_notebook, write_files
from autograder.submission.handed_in import NotGradable, check_file, check_folder, plain_size

_TIMESTAMP = "timestamp.txt"
_KEEP_NOTHING = ("nbgrader", "nbconvert", "autograder")  # whose steps are as new for the next notebook


@dataclass
class Submission:
    """What a learner has handed in, and the job that it is once it is prepared.

    `prepared`: the texts of its notebooks after nbgrader's steps before the run; `problem`: why it has no more of them.
    """

    assignment: str
    student: str
    folder: Path
    notebooks: list[str]
    prepared: dict[str, str] = field(default_factory=dict)
    problem: Exception | None = None
    job: Job | None = None
    handed_over: float = 0.0


class Replay(Execute):
    """Stands where nbgrader runs a notebook, with the options of that step: writes in what a worker has found."""

    submission: Submission
    result: Result | None = None

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict, km: Any = None) -> tuple[NotebookNode, ResourcesDict]:
        names = resources["nbgrader"]
        if self.result is None:
            raise self.submission.problem or NotGradable(f"{names['notebook']} has not been run.")
        is_chapter = chapter_of(names["assignment"], names["notebook"]) is not None
        autograding.show(nb, self.result.steps[names["notebook"]], self.result.sandbox, safe=is_chapter)
        write_files(Path(resources["metadata"]["path"]), self.result.written)
        return nb, resources


class _Prepared:
    """An exporter for which the steps before the run are done already, where a submission's text is at hand."""

    texts: dict[str, str] = {}

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> Any:
        text = self.texts.get(Path(filename).stem)
        if text is None:
            return super().from_filename(filename, resources, **options)  # type: ignore[misc]
        if self.parent._sanitizing:  # type: ignore[attr-defined]
            return text, self._init_resources(resources)  # type: ignore[attr-defined]
        path = Path(filename)
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        return self.from_notebook_node(nbformat.v4.to_notebook(json.loads(text)), resources, **options)  # type: ignore[attr-defined]


class _CopiedBeside(BaseConverter):
    """nbgrader's copy of what lies beside a notebook: here what it ran with, and so no links and pipes, and no more than that."""

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        folder, graded = (Path(place(assignment_id, student_id)) for place in (self._format_source, self._format_dest))
        found = beside_notebook(folder)
        if plain_size(folder / _TIMESTAMP) is not None:
            found[_TIMESTAMP] = folder / _TIMESTAMP
        kept = {name: path for name, path in found.items() if not any(self._ignored(part) for part in Path(name).parts)}
        write_files(graded, {name: path.read_bytes() for name, path in kept.items()})

    def _ignored(self, name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in self.coursedir.ignore)


class Steps(Autograde, _CopiedBeside):
    """nbgrader's `autograde`, in two halves for each submission: `prepare`, which changes nothing, and `commit`.

    In between somebody runs the job. All else, configuration, gradebook and folders, is nbgrader's own.
    """

    gradebook: SharedGradebook
    exporter_class: Any
    autograde_preprocessors: list[Any]

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.exporter_class = type("PreparedExporter", (_Prepared, self.exporter_class), {})
        self._replay = Replay(parent=self)
        self._made: dict[type, Any] = {}
        self.autograde_preprocessors = [self._exchanged(step) for step in self.autograde_preprocessors]
        self._problem: BaseException | None = None
        self._written: list[tuple[str, ResourcesDict]] = []

    def _exchanged(self, step: Any) -> Any:
        kind = import_item(step) if isinstance(step, str) else step
        return self._replay if isinstance(kind, type) and issubclass(kind, Execute) else step

    def _init_preprocessors(self) -> None:
        """As nbgrader's, which makes every step anew for each notebook: those of its own, which keep nothing, are made once."""
        steps = self.sanitize_preprocessors if self._sanitizing else self.autograde_preprocessors
        self.exporter._preprocessors = []
        for step in steps:
            self.exporter.register_preprocessor(self._once(step))

    def _once(self, step: Any) -> Any:
        kind = import_item(step) if isinstance(step, str) else step
        if not isinstance(kind, type) or kind.__module__.partition(".")[0] not in _KEEP_NOTHING:
            return step
        if kind not in self._made:
            self._made[kind] = kind(parent=self.exporter)
        return self._made[kind]

    def submissions(self) -> Iterator[Submission]:
        """What `init_notebooks` has found, in nbgrader's order."""
        pattern = self._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True)
        for folder, notebooks in sorted(self.assignments.items()):
            found = re.match(pattern, folder)
            assert found is not None, folder
            yield Submission(found["assignment"], found["student"], Path(folder), sorted(notebooks))

    def wants(self, submission: Submission) -> bool:
        """Whether nbgrader's `init_destination` will go on with a submission; that one removes what was there, too."""
        if submission.student in self.coursedir.student_id_exclude.split(","):
            return False
        graded = Path(self._format_dest(submission.assignment, submission.student))
        whole = self.coursedir.notebook_id == "*"
        there = [graded] if whole else [graded / Path(notebook).name for notebook in submission.notebooks]
        return self.force or not all(path.exists() for path in there) or self._newer(submission.folder, graded)

    def _newer(self, handed_in: Path, graded: Path) -> bool:
        try:
            new, old = (self._timestamp(folder) for folder in (handed_in, graded))
        except NotGradable:
            return True  # its line says why
        return new is not None and old is not None and new > old

    def _timestamp(self, folder: Path) -> datetime | None:
        """When a submission was handed in, if that is known. Raises `NotGradable` where its file says no time."""
        path = folder / _TIMESTAMP
        if not os.path.lexists(path):
            return None
        try:
            check_file(path, most_bytes=1000)
            return self.coursedir.get_existing_timestamp(str(folder))
        except (Exception, SystemExit):  # noqa: BLE001 (nbgrader ends the process; a date has many ways to be none)
            raise NotGradable(
                f"{_TIMESTAMP}, which says when it was handed in, holds no time: correct it or remove it."
            ) from None

    def check(self, submission: Submission) -> None:
        """Raises `NotGradable` where what lies in a submission's place must not be read at all."""
        check_folder(submission.folder, map(Path, submission.notebooks))
        self._timestamp(submission.folder)

    def prepare(self, submission: Submission, limits: Limits, unsafe_no_sandbox: bool) -> None:
        """Gives a submission its job; none where nothing is to be run. Nothing is written. Raises what nbgrader's steps raise."""
        self.notebooks = submission.notebooks
        super().run_pre_convert_hook()
        submission.notebooks = list(self.notebooks)
        try:
            known = self._known(submission)
            for path in known:
                submission.prepared[path.stem] = self._sanitized(path)
            if known and self._replay.enabled and self._replay in self.autograde_preprocessors:
                texts = {path.stem: self._before_run(path, submission.prepared[path.stem]) for path in known}
                files, limits = self._files(submission), self._limits(submission, limits)
                submission.job = Job(submission.assignment, texts, files, limits, unsafe_no_sandbox)
        except Exception as error:
            submission.problem = error
            raise

    def _known(self, submission: Submission) -> list[Path]:
        """Its notebooks that the gradebook knows: nbgrader leaves out the others, and says so at the commit."""
        found = []
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            for path in map(Path, submission.notebooks):
                try:
                    gradebook.find_notebook(path.stem, submission.assignment)
                except MissingEntry:
                    continue
                found.append(path)
        return found

    def _sanitized(self, path: Path) -> str:
        self._sanitizing = True
        self._init_preprocessors()
        self.exporter.texts, self.exporter.compact = {}, True
        resources = self.init_single_notebook_resources(str(path))
        text, _ = self.exporter.from_filename(str(path), resources=resources)
        self.exporter.compact = False
        return text

    def _before_run(self, path: Path, text: str) -> str:
        """What steps that stand before the run make of a sanitized notebook: nbgrader has none, a configuration may."""
        steps = self.autograde_preprocessors[: self.autograde_preprocessors.index(self._replay)]
        if not steps:
            return text
        self.exporter._preprocessors = []
        for step in steps:
            self.exporter.register_preprocessor(step)
        resources = self.exporter._init_resources(self.init_single_notebook_resources(str(path)))
        text, _ = self.exporter.from_notebook_node(nbformat.reads(text, as_version=4), resources)
        return text

    def _limits(self, submission: Submission, limits: Limits) -> Limits:
        """A chapter's are the course's own; elsewhere nbgrader's time-out holds. Raises where it wants another language."""
        if all(chapter_of(submission.assignment, name) for name in submission.prepared):
            return limits
        for text in submission.prepared.values():
            wanted = json.loads(text)["metadata"].get("kernelspec", {}).get("name")
            _require_python(self._replay.kernel_name or wanted or "python")
        timeout = self._replay.timeout
        return limits if timeout is None or timeout < 0 else replace(limits, wall_seconds=timeout)

    def _files(self, submission: Submission) -> dict[str, bytes]:
        files = {name: path.read_bytes() for name, path in beside_notebook(submission.folder).items()}
        source = self.coursedir.format_path(self.coursedir.source_directory, ".", submission.assignment)
        own = self.exclude_overwriting.get(submission.assignment, [])
        for path in find_all_files(source, [*self.coursedir.ignore, "*.ipynb"]):
            name = os.path.relpath(path, source)
            if name not in own:
                files[Path(name).as_posix()] = Path(path).read_bytes()
        return files

    def run_pre_convert_hook(self) -> None:
        """It has run already, before the submission was prepared."""

    def commit(self, submission: Submission, result: Result | None) -> None:
        """nbgrader's own steps, with `result` where its run would be; without one, what nbgrader does with a failure.

        Raises what stopped it.
        """
        self._replay.submission, self._replay.result = submission, result
        self._submission, self._problem, self._written = submission, None, []
        self.exporter.texts = submission.prepared
        self.assignments = {str(submission.folder): submission.notebooks}
        problem: BaseException | None = None
        try:
            Autograde.convert_notebooks(self)
        except Exception as error:  # noqa: BLE001 (raised below, where it keeps the causes that it has)
            problem = self._problem or error
        if problem is not None:
            raise problem

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        with self._noted():
            super().init_assignment(assignment_id, student_id)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        with self._noted():
            if self._submission.problem is not None and Path(notebook_filename).stem not in self._submission.prepared:
                raise self._submission.problem
            super().convert_single_notebook(notebook_filename)

    def write_single_notebook(self, output: str, resources: ResourcesDict) -> None:
        """A notebook with its marks waits for the marks of all: where it is, they are in the gradebook."""
        if self._sanitizing:
            super().write_single_notebook(output, resources)
        else:
            self._written.append((output, resources))

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        with self._noted():
            self.gradebook.save()
            for output, resources in self._written:
                super().write_single_notebook(output, resources)
            super().set_permissions(assignment_id, student_id)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """nbgrader says of a failure only that there was one."""
        try:
            yield
        except Exception as error:
            self._problem = self._problem or error
            raise


def _require_python(kernel: str) -> None:
    """Raises `NoSuchKernel` or `NotGradable` where a notebook asks for a kernel that the engine cannot stand for."""
    spec = KernelManager(kernel_name=kernel).kernel_spec
    language = spec.language if spec is not None else ""
    if language.lower() != "python":
        raise NotGradable(
            f"Its kernel {kernel} runs {language}, and the engine Python alone: grade it with `nbgrader autograde`."
        )

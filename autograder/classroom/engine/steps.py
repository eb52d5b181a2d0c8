"""nbgrader's own steps for one submission, parted where nbgrader would run its cells."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.utils import find_all_files

from autograder.classroom.autograding import SubmissionExporter, TakeIn
from autograder.classroom.engine.gradebook import SharedGradebook
from autograder.classroom.engine.jobs import Job
from autograder.framework.isolation.limits import Limits
from autograder.submission.beside import beside_notebook


@dataclass
class Submission:
    """What a learner has handed in, and the job that it is once it is prepared."""

    student: str
    folder: Path
    job: Job | None = None
    handed_over: float = 0.0


class _Exporter(SubmissionExporter):
    """Reads a submission as it was prepared: what the steps before the run made of it is known."""

    prepared: str | None = None

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> Any:
        taken_in = any(isinstance(step, TakeIn) for step in self._preprocessors)
        if self.prepared is None or not taken_in:
            return super().from_filename(filename, resources, **options)
        return self.prepared, self._init_resources(resources)


class Steps(Autograde):
    """nbgrader's steps for one submission."""

    def __init__(self, app: AutogradeApp, submission: Submission, gradebook: SharedGradebook):
        super().__init__(coursedir=app.coursedir, parent=app)
        self.exporter_class = _Exporter
        self._submission, self._gradebook = submission, gradebook
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
        files = {name: path.read_bytes() for name, path in beside_notebook(self._submission.folder).items()}
        source = self.coursedir.format_path(self.coursedir.source_directory, ".", chapter)
        for name in find_all_files(source, [*self.coursedir.ignore, "*.ipynb"]):
            files[Path(name).relative_to(source).as_posix()] = Path(name).read_bytes()
        return Job(chapter, text, files, limits, unsafe_no_sandbox)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        try:
            super().init_assignment(assignment_id, student_id)
        except Exception as error:
            self.problem = error
            raise

    def convert_single_notebook(self, notebook_filename: str) -> None:
        assert self._submission.job is not None and isinstance(self.exporter, _Exporter)
        self.exporter.prepared = self._submission.job.notebook
        try:
            super().convert_single_notebook(notebook_filename)
        except Exception as error:
            self.problem = error
            raise

    def write_single_notebook(self, output: str, resources: ResourcesDict) -> None:
        """The notebook with its marks comes after the marks themselves: where it is, they are."""
        if not self._sanitizing:
            self._gradebook.save()
        super().write_single_notebook(output, resources)

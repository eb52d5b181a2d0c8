"""Takes a made-up class from release to feedback: nbgrader's own commands, and the course's engine to grade."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

import nbformat
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from traitlets.config import Config

from autograder.classroom import report
from autograder.classroom.nbgrader_settings import config_of
from autograder.classroom.students import Student, notebook_of
from autograder.framework.isolation import sandbox
from utils.manifest import ROOT, load

FAULT = 3  # the engine's exit code where a check of the course itself is broken; all marks are there
# The folder is a course directory of its own: the course's configuration, with a class and an exchange beside it.
_CONFIG = '''"""A course directory beside the course's own: the same configuration, another class."""
load_subconfig("nbgrader_config.py", path={course!r})
c = get_config()
c.CourseDirectory.root = {folder!r}
c.CourseDirectory.db_url = "sqlite:///" + {folder!r} + "/classroom/gradebook.db"
c.Exchange.root = {folder!r} + "/exchange"
c.ExchangeCollect.check_owner = False
'''


class ClassRun:
    """One chapter of a made-up class in `folder`. `say` is called with a line for each step."""

    def __init__(self, folder: Path, chapter: str, say: Callable[[str], None] = print) -> None:
        self.folder, self.chapter, self._say = Path(folder).resolve(), chapter, say
        self._make_course()

    def _make_course(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("classroom", "exchange", "learners"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "exchange").chmod(0o777)
        source = self.folder / "solutions" / self.chapter
        source.mkdir(parents=True)
        shutil.copy(load().solution_notebook(self.chapter), source)
        text = _CONFIG.format(course=str(ROOT), folder=str(self.folder))
        (self.folder / "nbgrader_config.py").write_text(text, encoding="utf-8")

    def nbgrader(self, *arguments: str, ok: Collection[int] = (0,)) -> str:
        """Runs an nbgrader command in the course directory and returns what it said. `RuntimeError`: its exit is not `ok`."""
        return self._command("nbgrader", *arguments, ok=ok)

    def _command(self, module: str, *arguments: str, ok: Collection[int] = (0,)) -> str:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        if done.returncode not in ok:
            raise RuntimeError(f"{module} {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def release(self) -> None:
        """Makes the released notebook and puts it into the exchange."""
        self._say("generate and release the assignment")
        self.nbgrader("generate_assignment", self.chapter, "--force")
        self.nbgrader("release_assignment", self.chapter, "--force")

    def hand_in(self, students: Collection[Student]) -> None:
        """Each learner fetches the notebook from the exchange, writes into it, and submits it."""
        self._say(f"{len(students)} learners fetch, write and submit")
        for student in students:
            home = self.folder / "learners" / student.id
            home.mkdir()
            config = config_of(self.folder)
            config.CourseDirectory.update(student_id=student.id, assignment_id=self.chapter)
            config.Exchange.update(assignment_dir=str(home), cache=str(home / ".cache"))
            self._exchange("FetchAssignment", config)
            nbformat.write(notebook_of(self.chapter, student), home / self.chapter / f"{self.chapter}.ipynb")
            self._exchange("Submit", config)

    def _exchange(self, step: str, config: Config) -> None:
        """What `nbgrader fetch_assignment` and `nbgrader submit` do, without a process for each learner."""
        parts = {"coursedir": CourseDirectory(config=config), "authenticator": Authenticator(config=config), "config": config}
        getattr(ExchangeFactory(config=config), step)(**parts).start()

    def collect(self) -> None:
        """Takes the learners' notebooks from the exchange."""
        self.nbgrader("collect", self.chapter)

    def grade(self) -> str:
        """Grades what was collected on the course's engine; these learners are made up, and need no sandbox."""
        self._say("autograde")
        unsafe = [] if sandbox.why_not() is None else ["--unsafe-no-sandbox"]
        return self._command("autograder", "autograde", self.chapter, *unsafe, ok=(0, FAULT))

    def copy(self, folder: Path, students: Collection[str]) -> "ClassRun":
        """The same class elsewhere, as far as it is now, with these learners alone."""
        other = ClassRun(folder, self.chapter, self._say)
        shutil.copytree(self.folder / "classroom", other.folder / "classroom", dirs_exist_ok=True)
        for handed_in in (other.folder / "classroom" / "submitted").iterdir():
            if handed_in.name not in students:
                shutil.rmtree(handed_in)
        return other

    def feedback(self) -> None:
        """Makes the feedback pages, releases them, and exports the marks."""
        self._say("feedback and export")
        self.nbgrader("generate_feedback", self.chapter)
        self.nbgrader("release_feedback", self.chapter)
        self.nbgrader("export", "--to", "grades.csv")

    def report(self) -> report.Report:
        """The class report; also written as `report.html`."""
        found = report.read(self.chapter, CourseDirectory(config=config_of(self.folder)))
        (self.folder / "report.html").write_text(report.html(found), encoding="utf-8")
        return found

    def feedback_page(self, student: str) -> Path:
        """The feedback that `student` gets."""
        return self.folder / "classroom" / "feedback" / student / self.chapter / f"{self.chapter}.html"

"""What is handed in to break the grading of a whole class: each is graded or gets a line of its own, and so do the others.

A file `attacks/break_*.py` writes a submission (`hand_in(path, notebook)`: the place of the notebook, in a folder that is there,
and the bytes of a right one) and says what must become of it: `POINTS` of its `softmax`, or with `SAYS` a part of the line that
says why it was not graded. `STUDENT` is the learner's name where that matters, `BESIDE` what may come along into the folder of
graded submissions.
"""

import os
import signal
import subprocess
import sys
import time

import attack_files
import nbformat
import odd_notebooks
import pytest
from gradebooks import rows

from autograder.classroom import autograding
from autograder.classroom.class_run import ClassRun
from autograder.framework.isolation import sandbox
from utils.manifest import load

BREAKING = [name for name in attack_files.names() if name.startswith("break_")]
SOUND = ("aa-sound", "zz-sound")
UNSAFE = [] if sandbox.why_not() is None else ["--unsafe-no-sandbox"]
MOST_SECONDS = 400
pytestmark = [pytest.mark.class_run, pytest.mark.timeout(900)]


class Graded:
    """A class in which everybody tries to break the grading, but for two."""

    def __init__(self, folder):
        self.run = ClassRun(folder, odd_notebooks.CHAPTER, say=lambda line: None)
        self.run.nbgrader("generate_assignment", odd_notebooks.CHAPTER, "--force")
        notebook = nbformat.writes(odd_notebooks.right()).encode()
        for student in SOUND:
            self._place(student).write_bytes(notebook)
        self.students = {}
        for name in BREAKING:
            tried = attack_files.load(name)
            self.students[name] = getattr(tried, "STUDENT", name)
            tried.hand_in(self._place(self.students[name]), notebook)
        self.first, self.again = self._autograde(), self._autograde()
        self.rows = rows(self.run.folder)

    def _place(self, student):
        path = self.run.folder / "classroom" / "submitted" / student / odd_notebooks.CHAPTER / f"{odd_notebooks.CHAPTER}.ipynb"
        path.parent.mkdir(parents=True)
        return path

    def _autograde(self):
        line = [sys.executable, "-m", "autograder", "autograde", odd_notebooks.CHAPTER, *UNSAFE]
        began = time.monotonic()
        with subprocess.Popen(
            line, cwd=self.run.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                out, err = process.communicate(timeout=MOST_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, out, err, time.monotonic() - began

    def graded(self, student):
        """The folder of a graded submission."""
        return self.run.folder / "classroom" / "autograded" / student / odd_notebooks.CHAPTER


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    return Graded(tmp_path_factory.mktemp("breaking") / "course")


@pytest.mark.parametrize("name", BREAKING)
def test_it_is_graded_or_gets_its_line(name, graded):
    tried, student = attack_files.load(name), graded.students[name]
    lines = [line for line in graded.first[1].splitlines() if line.startswith(f"{shown(student)}: not graded: ")]
    if hasattr(tried, "SAYS"):
        assert len(lines) == 1 and tried.SAYS in lines[0] and student not in graded.rows
        assert not graded.graded(student).exists()
        return
    assert not lines
    assert graded.rows[student]["grades"]["check-softmax"][0] == tried.POINTS
    if hasattr(tried, "BESIDE"):
        beside = {path.relative_to(graded.graded(student)).as_posix() for path in graded.graded(student).rglob("*")}
        assert beside == {f"{odd_notebooks.CHAPTER}.ipynb", *tried.BESIDE}


def test_nbgraders_own_command_adopts_no_link(tmp_path):
    link = tmp_path / "02_attention_mechanism (1).ipynb"
    link.symlink_to(load().solution_notebook(odd_notebooks.CHAPTER))
    notebooks = [str(link)]
    autograding.adopt_renamed(odd_notebooks.CHAPTER, "a-learner", notebooks)
    assert notebooks == [str(link)] and list(tmp_path.iterdir()) == [link]


def shown(student):
    """A name in a line: quoted where it would not be one word of a line."""
    return student if student.isprintable() else ascii(student)


def test_the_rest_of_the_batch_is_graded(graded):
    for student in SOUND:
        assert {id: graded.rows[student]["grades"][id][0] for id in odd_notebooks.FULL} == odd_notebooks.FULL
    code, out, err, _ = graded.first
    assert code == 1 and "Traceback" not in out + err


def test_another_run_grades_nobody_twice_and_says_the_same(graded):
    (code, out, err, _), first = graded.again, graded.first[1]
    assert code == 1 and "Traceback" not in out + err
    told = [line for line in out.splitlines() if ": not graded: " in line]
    assert told == [line for line in first.splitlines() if ": not graded: " in line]
    assert f"graded before: {len(graded.rows)} " in out

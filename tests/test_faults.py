"""A bug of the course's own is said as such, with an exit code of its own, and no learner loses a point for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.framework.judge import FAULT

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("autograder", "utils", "solutions", "notebooks", "course.toml", "nbgrader_config.py")
CHAPTER = "02_attention_mechanism"
PLANTED = '''

@COMPONENT.law(points=0.0)
def planted(candidate, case):
    """Every row is looked at"""
    candidate.use(draw(case)).sum(case.rowz)
'''
RIGHT = """
import torch

def softmax(x, dim=-1):
    e = torch.exp(x - x.amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)
"""
CLASS_OF_ONE = """
from autograder.classroom import report
from autograder.classroom.class_run import ClassRun
from autograder.classroom.students import students
run = ClassRun({folder!r}, {chapter!r}, say=lambda line: None)
run.release()
run.hand_in([member for member in students({chapter!r}) if member.id == "solution"])
run.collect()
run.grade()
print(report.text(run.report()))
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course with a typo in a law of softmax."""
    folder = tmp_path_factory.mktemp("course")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    with open(folder / "autograder" / "components" / "softmax.py", "a", encoding="utf-8") as file:
        file.write(PLANTED)
    return folder


def run(course, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(course)}
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=course, env=environment, capture_output=True, text=True, timeout=280
    )


def test_check_keeps_the_points_says_what_it_is_and_ends_with_a_code_of_its_own(course, tmp_path):
    answer = tmp_path / "answer.py"
    answer.write_text(RIGHT)
    done = run(course, "-m", "autograder", "check", "softmax", str(answer))
    assert done.returncode == 3
    assert FAULT in done.stdout and "2 of 2 points" in done.stdout
    assert "cannot be compared" not in done.stdout and "Traceback" not in done.stdout
    assert "Every row is looked at" in done.stderr and "rowz" in done.stderr


def test_grade_does_so_too(course):
    notebook = course / "solutions" / CHAPTER / f"{CHAPTER}.ipynb"
    done = run(course, "-m", "autograder", "grade", str(notebook))
    assert done.returncode == 3 and "rowz" in done.stderr
    assert FAULT in done.stdout


@pytest.mark.class_run
def test_the_report_of_a_class_names_the_check(course):
    code = CLASS_OF_ONE.format(folder=str(course / "class"), chapter=CHAPTER)
    done = run(course, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "a fault of the course in the check of softmax: “Every row is looked at”" in done.stdout

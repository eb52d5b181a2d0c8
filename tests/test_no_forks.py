"""A class where forking is not safe, as on macOS: its workers and answers are fresh processes, and the marks are the same.

What the course says of the machine (`server.FORKS`) is changed in every Python of the class, by a `sitecustomize` of the tests.
"""

import os
import subprocess
import sys

import pytest
from gradebooks import rows

from autograder.classroom.class_run import ClassRun
from autograder.classroom.students import Student, solution_cells, students, write_submission
from autograder.framework.isolation import server
from utils.manifest import ROOT

CHAPTER = "01_attention_problem"
WORKERS = "autograder.classroom.engine.workers"
SITE = """
import sys

from autograder.framework.isolation import server

server.FORKS = False
with open({log!r}, "a", encoding="utf-8") as log:
    log.write(" ".join(sys.orig_argv) + chr(10))
"""
# A process of the learner's own has an end that can be asked for.
WITH_A_PROGRAM = """
import subprocess, sys
assert subprocess.run([sys.executable, "-c", "raise SystemExit(3)"]).returncode == 3
"""
ENDS = """
def causal_average(x):
    import os
    os._exit(0)
"""
pytestmark = [pytest.mark.class_run, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """A small class: right answers, mistakes that have a name, one that ends its process, one that starts a program."""
    run = ClassRun(tmp_path_factory.mktemp("no-forks") / "course", CHAPTER, say=lambda line: None)
    run.nbgrader("generate_assignment", CHAPTER, "--force")
    right = solution_cells(CHAPTER)
    mistaken = next(student for student in students(CHAPTER) if student.mistakes)
    cells = {
        "right": right,
        "mistaken": mistaken.cells,
        "ends": {**right, "causal_average": ENDS},
        "program": {**right, "causal_average": WITH_A_PROGRAM + right["causal_average"]},
    }
    for name, written in cells.items():
        write_submission(run.folder / "classroom" / "submitted", CHAPTER, Student(name, "", written))
    return run, list(cells)


def autograde(run, *sites):
    path = os.pathsep.join([*map(str, sites), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    line = [sys.executable, "-m", "autograder", "autograde", CHAPTER, "--jobs", "2", "--unsafe-no-sandbox"]
    done = subprocess.run(
        line, cwd=run.folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return rows(run.folder)


def test_the_marks_of_a_class_are_those_that_it_has_with_forks(handed_in, tmp_path):
    run, names = handed_in
    site, log = tmp_path / "site", tmp_path / "log.txt"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE.format(log=str(log)), encoding="utf-8")
    without = autograde(run.copy(tmp_path / "without", names), site)
    started = log.read_text(encoding="utf-8").splitlines()
    workers = [line for line in started if f"{WORKERS} worker" in line]
    answers = [line for line in started if "multiprocessing.spawn" in line]
    assert len(workers) >= 2 and len(answers) > len(names) and not any("nursery" in line for line in started)
    scores = {name: row["grades"]["check-causal_average"][0] for name, row in without.items()}
    assert scores["ends"] == 0 < scores["right"] == scores["program"]
    assert without["mistaken"]["score"] < without["right"]["score"]
    assert without == autograde(run.copy(tmp_path / "with", names)) or not server.FORKS

"""The engine on assignments that are none of the course's chapters, in a course directory that knows nothing of the course."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from gradebooks import rows
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.tests import (
    create_grade_and_solution_cell,
    create_grade_cell,
    create_regular_cell,
    create_solution_cell,
)

from autograder.classroom.engine.jobs import Result
from autograder.classroom.engine.steps import Replay, _require_python
from autograder.classroom.students import solution_cells
from autograder.framework.isolation import sandbox
from autograder.run import GradingRun
from autograder.submission.beside import may_return
from autograder.submission.reading import NotGradable

UNSAFE = [] if sandbox.why_not() is None else ["--unsafe-no-sandbox"]
pytestmark = [pytest.mark.class_run, pytest.mark.timeout(600)]
CONFIG = """
c = get_config()
c.CourseDirectory.root = {folder!r}
c.Execute.timeout = 60

from nbformat.v4 import new_code_cell
from nbgrader.converters import Autograde
from nbgrader.preprocessors import NbGraderPreprocessor

class Greets(NbGraderPreprocessor):
    def preprocess(self, nb, resources):
        nb.cells.insert(0, new_code_cell("greeting = 'hello'"))
        return nb, resources

c.Autograde.autograde_preprocessors = [Greets, *Autograde().autograde_preprocessors]
"""
SQUARES = "def squares(n):\n    return [i**2 for i in range(1, n + 1)]"
SOFTMAX = solution_cells("02_attention_mechanism")["softmax"]
FORGED = (
    "import autograder, builtins\n"
    "check = autograder.check = builtins.check = lambda *names: 3.0\n"
    "def softmax(x, dim=-1):\n    return x * 0 + 1 / x.shape[dim]"
)


def first_notebook(squares):
    cells = [
        create_regular_cell("from pathlib import Path", "code"),
        create_solution_cell(squares, "code", "squares"),
        create_grade_cell("assert squares(1) == [1]\nassert squares(3) == [1, 4, 9]", "code", "test_squares", 2),
        create_grade_cell("sum(squares(2) == [1, 4] for _ in range(3)) / 2", "code", "partly", 3),
        create_regular_cell("Path('made').mkdir()\nPath('made/there.txt').write_text(str(squares(2)))", "code"),
        create_grade_and_solution_cell("My own words.", "markdown", "essay", 4),
    ]
    return new_notebook(cells=cells)


def second_notebook(answer):
    cells = [
        create_solution_cell(answer, "code", "reads"),
        create_grade_cell("assert reads() == '[1, 4]' and greeting == 'hello'", "code", "test_reads", 1),
    ]
    return new_notebook(cells=cells)


def write(notebook, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def nbgrader(folder, *arguments):
    line = [sys.executable, "-W", "ignore", "-m", "nbgrader", *arguments]
    subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True, timeout=300)


def engine(folder, *arguments):
    line = [sys.executable, "-m", "autograder", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=300)


def course(folder, assignment, notebooks):
    """A course directory of somebody else's, where `assignment` is generated."""
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(CONFIG.format(folder=str(folder)))
    for name, notebook in notebooks.items():
        write(notebook, folder / "source" / assignment / f"{name}.ipynb")
    nbgrader(folder, "generate_assignment", assignment)
    return folder


READS = "from pathlib import Path\ndef reads():\n    return Path('made/there.txt').read_text()"
WARNS = f"import warnings\n{SQUARES}\ndef cubes(n):\n    pass\nwarnings.warn('careful')"
HIDES = "import IPython.core.interactiveshell as shell\nshell.InteractiveShell.showtraceback = None"
CLASS = {
    "right": (SQUARES, READS),
    "wrong": (SQUARES.replace("+ 1", "+ 2"), READS),
    "hides": (HIDES, "def reads(): return 1 / 0"),
    "warns": (WARNS, None),
}


def hand_in(folder):
    for student, (squares, reads) in CLASS.items():
        write(first_notebook(squares), folder / "submitted" / student / "ps1" / "p1.ipynb")
        if reads is not None:
            write(second_notebook(reads), folder / "submitted" / student / "ps1" / "p2.ipynb")
    (folder / "submitted" / "nothing" / "ps1").mkdir(parents=True)


def test_another_assignment_gets_the_rows_and_the_files_that_nbgrader_gives(tmp_path):
    notebooks = {"p1": first_notebook(SQUARES), "p2": second_notebook(READS)}
    by_nbgrader, by_engine = (course(tmp_path / name, "ps1", notebooks) for name in ("by-nbgrader", "by-the-engine"))
    for folder in (by_nbgrader, by_engine):
        hand_in(folder)
    nbgrader(by_nbgrader, "autograde", "ps1")
    done = engine(by_engine, "autograde", "ps1", *UNSAFE)
    assert done.returncode == 1 and f"graded {len(CLASS)} submissions" in done.stdout, done.stdout + done.stderr
    assert "nothing: not graded: " in done.stdout
    found, wanted = (rows(folder, f"sqlite:///{folder}/gradebook.db") for folder in (by_engine, by_nbgrader))
    assert found == wanted
    scores = {student: row["score"] for student, row in found.items()}
    assert scores == {"right": 2 + 1.5 + 1, "wrong": 0, "hides": 0, "warns": 2 + 1.5}
    files = [sorted(path.relative_to(folder) for path in folder.glob("autograded/**/*.*")) for folder in (by_engine, by_nbgrader)]
    assert files[0] == files[1] and Path("autograded/right/ps1/made/there.txt") in files[0]
    again = engine(by_engine, "autograde", "ps1", *UNSAFE)
    assert f"graded before: {len(CLASS)}" in again.stdout
    said = engine(by_engine, "report", "ps1").stdout
    assert "scored by what the cell shows, which a learner can forge: p1/test_squares, p1/partly, p2/test_reads" in said


def test_an_exercise_of_the_course_is_judged_in_any_assignment(tmp_path):
    def notebook(softmax):
        cells = [
            create_regular_cell("import torch\nfrom autograder import check", "code"),
            create_solution_cell(softmax, "code", "softmax"),
            create_grade_cell('check("softmax")', "code", "check-softmax", 3),
            create_grade_cell("assert check", "code", "own", 1),
        ]
        return new_notebook(cells=cells)

    folder = course(tmp_path / "course", "mixed", {"p": notebook(SOFTMAX)})
    for student, answer in {"right": SOFTMAX, "forger": FORGED}.items():
        write(notebook(answer), folder / "submitted" / student / "mixed" / "p.ipynb")
    done = engine(folder, "autograde", "mixed", *UNSAFE)
    assert done.returncode == 0, done.stdout + done.stderr
    found = rows(folder, f"sqlite:///{folder}/gradebook.db")
    points = {student: [row["grades"][id][0] for id in ("check-softmax", "own")] for student, row in found.items()}
    assert points["right"] == [3, 1] and points["forger"][0] < 1
    flags = {row["student"]: row["flags"] for row in json.loads(engine(folder, "report", "mixed", "--json").stdout)["students"]}
    assert all(any("forge: own" in flag for flag in found) for found in flags.values())


def test_a_graded_cell_of_a_chapter_that_stands_for_no_exercise_is_run_and_not_judged():
    cells = [new_code_cell("x = 1"), create_grade_cell("assert x == 2", "code", "check-nothing", 1)]
    with GradingRun("02_attention_mechanism", new_notebook(cells=cells)) as run:
        _, step = run.steps(cells)
    assert step.graded is None and step.outputs[0]["ename"] == "AssertionError"


def test_a_notebook_in_another_language_is_refused_by_name(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "other" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["other"], "display_name": "Other", "language": "R"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    _require_python("python")
    with pytest.raises(NotGradable, match="Its kernel other runs R"):
        _require_python("other")


ELSEWHERE = ["", "/etc/x", "../x", "a/../x", "a//b", ".bashrc", "p.ipynb", "a/p.ipynb", "timestamp.txt", "a\0b", "a\\b"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_name_that_leads_elsewhere_or_stands_for_something_is_not_brought_back(name):
    assert not may_return(name)
    assert may_return("a/b.txt") and may_return("plot.png")


def test_what_was_written_replaces_what_cannot_be_written_to(tmp_path):
    (tmp_path / "there.txt").write_text("before")
    (tmp_path / "there.txt").chmod(0o444)
    replay = Replay()
    replay.submission, replay.result = None, Result({"p": []}, True, written={"there.txt": b"after", "a/b.txt": b""})
    resources = {"nbgrader": {"assignment": "ps1", "notebook": "p"}, "metadata": {"path": str(tmp_path)}}
    replay.preprocess(new_notebook(), resources)
    assert (tmp_path / "there.txt").read_bytes() == b"after" and (tmp_path / "a" / "b.txt").is_file()

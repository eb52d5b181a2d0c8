"""`python -m autograder grade` on real notebooks: right, partial, wrong, tampered and broken ones."""

import json
import subprocess
import sys

import nbformat
import pytest
import some

from autograder import grade
from autograder.classroom.students import Student, notebook_of, solution_cells, students
from autograder.framework.isolation.limits import Limits
from autograder.framework.isolation.process import Process
from autograder.submission.reading import NotGradable
from utils.manifest import load

CHAPTER = "02_attention_mechanism"


def write(folder, notebook, name=f"{CHAPTER}.ipynb"):
    path = folder / name
    nbformat.write(notebook, path)
    return path


def points(graded):
    return {cell.grade_id: cell.points for cell in graded.cells}


@pytest.fixture(scope="module")
def right():
    return notebook_of(CHAPTER, Student("right", "", solution_cells(CHAPTER)))


def test_the_command_prints_what_the_contract_says(tmp_path, right):
    path = write(tmp_path, right)
    done = subprocess.run([sys.executable, "-m", "autograder", "grade", str(path), "--json"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    graded = json.loads(done.stdout)
    assert set(graded) == {"notebook", "points", "max_points", "cells"}
    assert all(set(cell) == {"grade_id", "points", "max_points", "message"} for cell in graded["cells"])
    assert graded["points"] == sum(cell["points"] for cell in graded["cells"])
    assert graded["max_points"] == sum(cell["max_points"] for cell in graded["cells"])


def test_a_right_notebook_gets_everything_but_the_written_question(tmp_path, right):
    graded = grade.grade_notebook(write(tmp_path, right))
    assert all(cell.points == cell.max_points for cell in graded.cells if cell.grade_id != "written")
    exercises = load().chapter(CHAPTER).exercises
    assert {cell.grade_id: cell.max_points for cell in graded.cells if cell.grade_id != "check-quiz"} == {
        **{f"check-{exercise.id}": exercise.graded_points for exercise in exercises},
        "written": load().chapter(CHAPTER).written.points,
    }


@pytest.mark.parametrize("chapter", some.chapters("01_attention_problem", "05_transformer_architecture", "08_applications"))
def test_an_untouched_notebook_gets_nothing_and_an_invitation(tmp_path, chapter):
    graded = grade.grade_notebook(write(tmp_path, notebook_of(chapter, Student("untouched", "")), f"{chapter}.ipynb"))
    assert graded.points == 0
    messages = {cell.grade_id: cell.message for cell in graded.cells}
    for exercise in load().chapter(chapter).exercises:
        message = messages[exercise.check_id]
        assert "Nothing is here yet" in message and "Traceback" not in message, exercise.id


@pytest.mark.parametrize("chapter", [chapter.id for chapter in load().chapters])
def test_the_solution_of_every_chapter_gets_everything(tmp_path, chapter):
    notebook = notebook_of(chapter, Student("right", "", solution_cells(chapter)))
    graded = grade.grade_notebook(write(tmp_path, notebook, f"{chapter}.ipynb"))
    assert all(cell.points == cell.max_points for cell in graded.cells if cell.grade_id != "written")
    for exercise in load().chapter(chapter).exercises:
        message = next(cell.message for cell in graded.cells if cell.grade_id == exercise.check_id)
        points = "(stretch: for you" if exercise.stretch else f", {exercise.points:g} of {exercise.points:g} points"
        assert f"checks hold{points}" in message.replace(" (", "("), exercise.id
    shown = grade.text(graded)
    assert "0 of 0" not in shown and shown.count(" stretch\n") == sum(e.stretch for e in load().chapter(chapter).exercises)


def test_mistakes_are_named(tmp_path):
    student = next(student for student in students(CHAPTER) if student.mistakes)
    graded = grade.grade_notebook(write(tmp_path, notebook_of(CHAPTER, student)))
    messages = {cell.grade_id: cell.message for cell in graded.cells}
    for exercise, mistake in student.mistakes.items():
        assert f"Diagnosis ({mistake})" in messages[f"check-{exercise}"]


def test_locked_cells_are_restored_and_what_they_return_does_not_count(tmp_path):
    notebook = notebook_of(CHAPTER, Student("untouched", ""))
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check-"):
            cell.source = "3.0"
            cell.metadata.nbgrader.points = 100
    graded = grade.grade_notebook(write(tmp_path, notebook))
    assert graded.points == 0 and graded.max_points < 20


def test_a_forged_kernel_earns_nothing(tmp_path):
    notebook = notebook_of(CHAPTER, Student("forger", ""))
    cell = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "softmax")
    cell.source = (
        "import autograder, autograder.notebook, autograder.framework.judge\n"
        "autograder.check = autograder.notebook.check = lambda name: 100.0\n"
        "autograder.framework.judge.judge = autograder.framework.judge.judge_with_exchange = None\n"
        "check = lambda name: 100.0\n"
        "def softmax(x, dim=-1):\n    return x\n"
    )
    assert points(grade.grade_notebook(write(tmp_path, notebook)))["check-softmax"] == 0


def test_the_name_counts_as_it_stands_when_its_check_runs(tmp_path, right):
    notebook = nbformat.from_dict(right)
    notebook.cells.append(nbformat.v4.new_code_cell("def attention(q, k, v, mask=None):\n    return None"))
    assert points(grade.grade_notebook(write(tmp_path, notebook)))["check-attention"] == 3.0


def test_a_missing_cell_a_doubled_cell_and_a_moved_cell_are_told(tmp_path, right):
    notebook = nbformat.from_dict(right)
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    doubled = nbformat.from_dict(notebook.cells[ids.index("attention")])
    doubled.source = "def attention(q, k, v, mask=None):\n    return None"
    doubled.id = "doubled"
    del notebook.cells[ids.index("softmax")]
    notebook.cells.append(doubled)
    graded = grade.grade_notebook(write(tmp_path, notebook))
    assert points(graded)["check-softmax"] == 0
    assert points(graded)["check-attention"] == 3.0
    assert "not in this notebook" in next(c.message for c in graded.cells if c.grade_id == "check-softmax")


def test_an_endless_cell_keeps_what_was_graded_before_it(tmp_path, right):
    notebook = nbformat.from_dict(right)
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    notebook.cells[ids.index("attention")].source = "while True: pass"
    graded = grade.grade_notebook(write(tmp_path, notebook), Limits(cell_seconds=3))
    assert points(graded)["check-softmax"] == 2.0 and points(graded)["check-attention"] == 0
    assert "did not finish" in next(c.message for c in graded.cells if c.grade_id == "check-attention")
    assert points(graded)["check-quiz"] > 0


STRANGE = {
    "right": ("softmax", ""),
    "wrong": ("softmax", "\nsoftmax = lambda x, dim=-1: x"),
    "ends-when-judged": ("softmax", "\ndef softmax(x, dim=-1):\n    import os; os._exit(1)"),
    "ends-what-calls-it": ("attention_scores", "\ndef attention_scores(q, k):\n    import os; os._exit(1)"),
    "threads": ("softmax", "\nimport threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"),
    "counts-its-calls": (
        "softmax",
        "\nmine, calls = softmax, []\ndef softmax(x, dim=-1):\n    calls.append(1)\n    return mine(x, dim)",
    ),
}


RARE = {"right", "wrong", "ends-when-judged", "counts-its-calls"}  # what other tests grade too, not in both ways


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in RARE)) for name in STRANGE])
def test_what_is_judged_beside_the_run_is_judged_as_in_its_place(tmp_path, right, monkeypatch, name):
    id, more = STRANGE[name]
    notebook = nbformat.from_dict(right)
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == id)
    cell.source += more
    path = write(tmp_path, notebook)
    beside = grade.grade_notebook(path)
    monkeypatch.setattr(Process, "snapshot", lambda self: None)
    assert grade.grade_notebook(path).as_dict() == beside.as_dict()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"{not json", "not a readable notebook"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"[]", "not a readable notebook"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a readable notebook"),
        (b'{"cells": [], "nbformat": 99, "nbformat_minor": 5, "metadata": {}}', "not a readable notebook"),
    ],
)
def test_what_is_no_notebook_gets_a_sentence(tmp_path, content, words):
    path = tmp_path / "homework.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotGradable, match=words):
        grade.grade_notebook(path)


def test_a_foreign_notebook_gets_a_sentence_and_exit_code_one(tmp_path):
    path = write(tmp_path, nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), "homework.ipynb")
    done = subprocess.run([sys.executable, "-m", "autograder", "grade", str(path)], capture_output=True, text=True)
    assert done.returncode == 1 and "no exercise of this course" in done.stdout and "Traceback" not in done.stderr
    missing = subprocess.run([sys.executable, "-m", "autograder", "grade", "not-there.ipynb"], capture_output=True, text=True)
    assert missing.returncode == 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nos._exit(0)", "ended the whole Python process"),
        ("kept = []\nwhile True: kept.append(bytearray(10**7))", "asked for more memory"),
        ("raise SystemExit", "calls exit()"),
        ("def attention(q, k, v, mask=None)\n    return q", "line 1"),
        ("attntion = None", "Does its cell define that name?"),
        ("def attention(q, k, v, mask=None):\n    raise SystemExit", "exit()"),
        ("def attention(q, k, v, mask=None):\n    import os; os._exit(1)", "ended the whole Python process"),
    ],
)
def test_a_cell_that_exits_or_takes_everything_costs_its_exercise_and_keeps_the_rest(tmp_path, right, source, words):
    notebook = nbformat.from_dict(right)
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    notebook.cells[ids.index("attention")].source = source
    graded = grade.grade_notebook(write(tmp_path, notebook))
    messages = {cell.grade_id: cell.message for cell in graded.cells}
    assert points(graded)["check-softmax"] == 2.0 and points(graded)["check-attention"] == 0
    assert points(graded)["check-quiz"] > 0
    assert words in messages["check-attention"] and "Traceback" not in messages["check-attention"]

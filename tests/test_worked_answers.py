"""Worked answers: printed by `solution`, offered by a check that passed; never under grading, in a build or in a release."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest
import tiny

from autograder import display, notebook, render
from autograder.builder.secrets import plain, solution_rows
from autograder.classroom.students import Student, notebook_of, solution_cells
from autograder.framework.solutions import worked_answers
from autograder.framework.verdict import Finding, Status, Verdict
from autograder.run import GradingRun
from utils.manifest import ROOT, load

CHAPTER = "02_attention_mechanism"
HEADING = "Compare with a worked answer"
NONE_HERE = "This copy of the course has no worked answers: ask your instructor.\n"
EXERCISES = [exercise.id for exercise in load().exercises]


def solution(*arguments, root=ROOT):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-P", "-m", "autograder", "solution", *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def in_class(tmp_path_factory):
    """What learners of a class have of the course: everything but `solutions/`."""
    root = tmp_path_factory.mktemp("class")
    for name in ("autograder", "utils"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "course.toml", root)
    return root


# The command


def test_solution_prints_the_answer_of_its_chapter_without_marks():
    done = solution("softmax")
    assert (done.returncode, done.stderr) == (0, "")
    first, _, source = done.stdout.partition("\n\n")
    assert first == "# A worked answer to softmax, of chapter 02: The attention mechanism"
    names = {}
    exec("import torch\n" + source, names)  # it is whole, and it runs
    torch = names["torch"]
    assert torch.allclose(names["softmax"](torch.tensor([1.0, 2.0])), torch.softmax(torch.tensor([1.0, 2.0]), 0))


def test_every_exercise_has_its_worked_answer_cell_for_cell():
    answers = {answer.name: answer for answer in worked_answers(load())}
    assert set(EXERCISES) <= set(answers) and "quiz" not in answers
    for exercise in load().exercises:
        answer, cells = answers[exercise.id], solution_cells(exercise.chapter)
        rows = [row for cell in exercise.cells for row in cells[cell].splitlines() if "SOLUTION" not in row]
        assert [row for row in answer.source.splitlines() if row] == [row for row in rows if row], exercise.id
        assert answer.chapter == exercise.chapter


def test_an_open_task_has_one_too():
    (answer,) = [answer for answer in worked_answers(load()) if answer.name == "peeking"]
    assert answer.chapter == "07_encoder_decoder" and "class Peeking" in answer.source


def test_two_chapters_may_each_have_an_open_task_of_one_name(tmp_path):
    course = tiny.make(tmp_path)
    before = '[[chapter]]\nid = "01_other"\ntitle = ""\nminutes = 1\nreading = 1\nseconds = 1\nprerequisites = []\n\n'
    tiny.edit(course.root / "course.toml", "[[chapter]]\n", before + "[[chapter]]\n")
    other = course.root / "solutions" / "01_other" / "01_other.py"
    other.parent.mkdir()
    other.write_text('# %% open="look"\nfirst = 1\n')
    tiny.edit(course.script("01_tiny"), '# %% slug="look"', '# %% open="look"\nsecond = 2\n\n# %% slug="see"')
    found = [(answer.chapter, answer.source) for answer in worked_answers(load(course.root)) if answer.name == "look"]
    assert found == [("01_other", "first = 1"), ("01_tiny", "second = 2")]


@pytest.mark.parametrize(("name", "says"), [
    ("atention", "No exercise 'atention': did you mean attention, "),
    ("Softmax", "No exercise 'Softmax': did you mean softmax"),
    ("quiz", "No exercise 'quiz': choose one of rnn_forward, gradient_norms,"),
])  # fmt: skip
def test_an_unknown_name_is_answered_with_near_ones(name, says):
    done = solution(name)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(says)


def test_without_solutions_a_learner_is_sent_to_the_instructor(in_class):
    for name in ("softmax", "atention"):
        done = solution(name, root=in_class)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", NONE_HERE)


def test_an_instructor_switches_them_off(in_class, tmp_path):
    shutil.copytree(in_class, tmp_path, dirs_exist_ok=True)
    shutil.copytree(ROOT / "solutions" / CHAPTER, tmp_path / "solutions" / CHAPTER)
    assert solution("softmax", root=tmp_path).returncode == 0
    tiny.edit(tmp_path / "course.toml", "worked_answers = true", "worked_answers = false")
    done = solution("softmax", root=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", NONE_HERE)


# The card of a check


def verdict(status=Status.HELD):
    points = float(status is Status.HELD)
    return Verdict("softmax", points, 1.0, [Finding("Each row sums to 1", status, points, 1.0, "0.9 came")])


def test_a_card_folds_the_answer_up_escaped_and_a_terminal_names_the_command():
    card = render.card(verdict(), worked='if a < b:\n    return "<script>"')
    html = display.html(card)
    assert f"<summary>{HEADING}</summary><pre" in html
    assert "<code>if a &lt; b:\n    return &quot;&lt;script&gt;&quot;</code>" in html
    assert html.count("<details") == 1 and " open" not in html and html.endswith("</code></pre></details></div>")
    assert display.text(card).splitlines()[-1] == f"  {HEADING}: python3 course.py solution softmax"
    assert HEADING not in display.html(render.card(verdict())) + display.text(render.card(verdict()))


@pytest.mark.parametrize(("variable", "value"), [("NBGRADER_EXECUTION", "autograde"), ("COURSE_BUILD", "1")])
def test_under_grading_and_in_a_build_no_answer_is_offered(monkeypatch, variable, value):
    assert "def softmax" in notebook._worked_answer("softmax")
    monkeypatch.setenv(variable, value)
    assert notebook._worked_answer("softmax") is None


def test_in_a_class_and_where_they_are_off_no_answer_is_offered(monkeypatch, in_class, tmp_path):
    monkeypatch.setattr(notebook, "load", lambda: load(in_class))
    assert notebook._worked_answer("softmax") is None
    monkeypatch.setattr(notebook, "load", lambda: load(tiny.make(tmp_path).root))
    assert "def double" in notebook._worked_answer("double")
    tiny.edit(tmp_path / "course.toml", "instant_feedback = true", "instant_feedback = true\nworked_answers = false")
    monkeypatch.setattr(notebook, "load", lambda: load(tmp_path))
    assert notebook._worked_answer("double") is None


def test_a_grading_run_shows_no_worked_answer():
    right = notebook_of(CHAPTER, Student("right", "", solution_cells(CHAPTER)))
    with GradingRun(CHAPTER, right) as run:
        steps = run.steps(right.cells)
    shown = str([step.outputs for step in steps])
    assert "all 7 checks hold" in shown and HEADING not in shown


@pytest.mark.parametrize("chapter", [chapter.id for chapter in load().chapters])
def test_an_executed_solution_notebook_holds_no_such_fold(chapter):
    text = load().solution_notebook(chapter).read_text(encoding="utf-8")
    assert "checks hold" in text and HEADING not in text


# The release


@pytest.mark.parametrize("chapter", [chapter.id for chapter in load().chapters])
def test_the_hints_of_a_release_say_how_an_answer_is_reached_and_hold_none(chapter):
    cells = {cell.id: cell.source for cell in nbformat.read(load().released_notebook(chapter), as_version=4).cells}
    scripts = load().script(chapter).read_text(encoding="utf-8")
    secret = {row for row in solution_rows(scripts) if len(row) >= 12}
    assert len(secret) > 5
    for exercise in load().chapter(chapter).exercises:
        hints = cells[f"hints-{exercise.id}"]
        assert "<summary>Worked answer</summary>\n\nA check that passes shows one" in hints
        assert f"`python3 course.py solution {exercise.id}`" in hints
        assert [row for row in secret if row in plain(hints)] == []


def test_without_worked_answers_the_hints_do_not_promise_any(tmp_path):
    from autograder.builder.script import expand

    course = tiny.make(tmp_path)
    tiny.edit(course.root / "course.toml", "instant_feedback = true", "instant_feedback = true\nworked_answers = false")
    hints = next(cell for cell in expand(load(course.root), tiny.CHAPTER).cells if cell.id == "hints-double").source
    assert "Hint 3" in hints and "Worked answer" not in hints and "solution" not in hints

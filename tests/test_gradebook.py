"""The gradebook that nbgrader's steps are given for a class says what nbgrader's own says, with fewer questions."""

import contextlib

import pytest
from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy import event

from autograder.classroom.engine import gradebook as engine_gradebook
from autograder.classroom.engine.gradebook import SharedGradebook

ASSIGNMENT, NOTEBOOK, CELLS = "sheet", "sheet", [f"cell-{number}" for number in range(6)]


@pytest.fixture
def url(tmp_path):
    """A gradebook with an assignment of six solution cells, their grades and a task, handed in by two learners."""
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with Gradebook(url) as gradebook:
        gradebook.add_assignment(ASSIGNMENT)
        gradebook.add_notebook(NOTEBOOK, ASSIGNMENT)
        for name in CELLS:
            gradebook.add_source_cell(name, NOTEBOOK, ASSIGNMENT, cell_type="code", source=name)
            gradebook.add_grade_cell(name, NOTEBOOK, ASSIGNMENT, max_score=2, cell_type="code")
            gradebook.add_solution_cell(name, NOTEBOOK, ASSIGNMENT)
        gradebook.add_task_cell("task", NOTEBOOK, ASSIGNMENT, max_score=3, cell_type="markdown")
        for student in ("ada", "bea"):
            gradebook.add_student(student)
            gradebook.add_submission(ASSIGNMENT, student)
    return url


@contextlib.contextmanager
def opened(url):
    """nbgrader's `Gradebook`, as a module of its own sees it while a submission is graded."""
    from nbgrader.preprocessors import saveautogrades

    with SharedGradebook(url, "default_course") as shared, shared.submission():
        with saveautogrades.Gradebook(url) as gradebook:
            yield gradebook
        shared.save()


@contextlib.contextmanager
def counted(gradebook):
    """The statements that the database is sent."""
    sent = []

    def note(connection, cursor, statement, *_):
        sent.append(statement)

    event.listen(gradebook.engine, "before_cursor_execute", note)
    yield sent
    event.remove(gradebook.engine, "before_cursor_execute", note)


def score_all(gradebook, student="ada"):
    """As nbgrader's `SaveAutoGrades` does: one cell after the other, each with a commit."""
    for number, name in enumerate(CELLS):
        grade = gradebook.find_grade(name, NOTEBOOK, ASSIGNMENT, student)
        grade.auto_score, grade.needs_manual_grade = float(number), grade.manual_score is not None
        gradebook.db.commit()
        gradebook.find_comment(name, NOTEBOOK, ASSIGNMENT, student).auto_comment = f"said of {name}"
        gradebook.db.commit()


def test_all_that_was_changed_is_written_and_for_one_learner_alone(url):
    with opened(url) as gradebook:
        score_all(gradebook)
    with Gradebook(url) as plain:
        found = [plain.find_grade(name, NOTEBOOK, ASSIGNMENT, "ada") for name in CELLS]
        assert [grade.score for grade in found] == [0, 1, 2, 3, 4, 5]
        assert not any(grade.needs_manual_grade for grade in found)
        comments = [plain.find_comment(name, NOTEBOOK, ASSIGNMENT, "ada").comment for name in CELLS]
        assert comments == [f"said of {name}" for name in CELLS]
        assert all(plain.find_grade(name, NOTEBOOK, ASSIGNMENT, "bea").score == 0 for name in CELLS)


def test_what_the_database_computes_is_read_again(url):
    with opened(url) as gradebook:
        score_all(gradebook)
        assert gradebook.find_grade("cell-4", NOTEBOOK, ASSIGNMENT, "ada").score == 4
        assert gradebook.find_comment("cell-4", NOTEBOOK, ASSIGNMENT, "ada").comment == "said of cell-4"
        assert gradebook.find_submission(ASSIGNMENT, "ada").score == 15
        gradebook.find_grade("cell-4", NOTEBOOK, ASSIGNMENT, "ada").manual_score = 1.0
        gradebook.db.commit()
        assert gradebook.find_grade("cell-4", NOTEBOOK, ASSIGNMENT, "ada").score == 1
        assert gradebook.find_submission(ASSIGNMENT, "ada").score == 12


def test_one_question_finds_all_cells_and_one_statement_writes_all_grades(url):
    with opened(url) as gradebook, counted(gradebook) as sent:
        score_all(gradebook)
        for name in CELLS:
            assert gradebook.find_source_cell(name, NOTEBOOK, ASSIGNMENT).source == name
            assert gradebook.find_graded_cell(name, NOTEBOOK, ASSIGNMENT).max_score == 2
    assert len(sent) <= 8  # four questions, grades and comments written, and what a transaction needs


def test_what_is_not_there_is_missing_and_a_task_is_found(url):
    with opened(url) as gradebook:
        assert gradebook.find_graded_cell("task", NOTEBOOK, ASSIGNMENT).max_score == 3
        assert gradebook.find_grade("task", NOTEBOOK, ASSIGNMENT, "ada").max_score_taskcell == 3
        for find in (gradebook.find_source_cell, gradebook.find_graded_cell):
            with pytest.raises(MissingEntry):
                find("none", NOTEBOOK, ASSIGNMENT)
        for find in (gradebook.find_grade, gradebook.find_comment):
            with pytest.raises(MissingEntry):
                find("none", NOTEBOOK, ASSIGNMENT, "ada")


def test_what_fails_before_it_is_saved_leaves_nothing(url):
    with pytest.raises(ZeroDivisionError), opened(url) as gradebook:
        score_all(gradebook)
        raise ZeroDivisionError
    with Gradebook(url) as plain:
        assert all(plain.find_grade(name, NOTEBOOK, ASSIGNMENT, "ada").auto_score is None for name in CELLS)


def test_a_schema_is_held_against_what_a_cell_says():
    schema = {"type": "object", "properties": {"points": {"type": "number"}}, "required": ["points"]}
    engine_gradebook._validate({"points": 1}, schema)
    for _ in range(2):
        with pytest.raises(engine_gradebook.jsonschema.ValidationError):
            engine_gradebook._validate({"points": "one"}, schema)

"""A whole class: nbgrader's generate, release, fetch, submit, collect, the engine's autograde, nbgrader's feedback and export."""

import csv
import json
import re
import subprocess
import sys

import pytest
from gradebooks import rows as rows_of
from nbgrader.api import Gradebook

from autograder.classroom.class_run import ClassRun
from autograder.classroom.students import students
from autograder.framework import catalogue
from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component
from autograder.framework.judge import judge
from autograder.framework.known_answers import read
from autograder.framework.solutions import MISCONCEPTIONS, hidden_cases
from autograder.quiz import marks as quiz
from utils.manifest import load

CHAPTER = "02_attention_mechanism"
PLAIN = ["solution", "mistakes-01", "partial-quiz", "untouched", "empty"]  # graded by `nbgrader autograde` too
pytestmark = [pytest.mark.class_run, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(the run, its learners, the report)."""
    run = ClassRun(tmp_path_factory.mktemp("class") / "course", CHAPTER, say=lambda line: None)
    members = students(CHAPTER)
    run.release()
    run.hand_in(members)
    run.collect()
    set_due_date(run)
    plain = run.copy(tmp_path_factory.mktemp("plain") / "course", PLAIN)
    run.grade()
    plain.nbgrader("autograde", CHAPTER)
    run.feedback()
    run.plain = plain
    return run, {member.id: member for member in members}, {row.student: row for row in run.report().rows}


def set_due_date(run):
    """Everybody is late, by more than an hour: nbgrader's plugin has penalties to think about."""
    with Gradebook(f"sqlite:///{run.folder}/classroom/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(CHAPTER, duedate="2020-01-01 12:00")


def points(exercise):
    return load().exercise(exercise).graded_points


def exercises():
    return [exercise.id for exercise in load().chapter(CHAPTER).exercises]


def quiz_points():
    return 0.25 * len(quiz.read_questions(quiz.questions_file(CHAPTER)))


def test_the_engine_writes_what_plain_nbgrader_writes(graded):
    run, _, _ = graded
    engine, plain = rows_of(run.folder), rows_of(run.plain.folder)
    assert set(plain) == set(PLAIN)
    assert plain == {student: engine[student] for student in PLAIN}


def test_the_class_is_large_and_of_every_kind(graded):
    _, members, rows = graded
    assert len(members) >= 15 and set(rows) == set(members)
    named = {mistake for member in members.values() for mistake in member.mistakes.items()}
    wanted = {(e, id) for e in exercises() for id in _ids(e)}
    assert wanted <= named


def _ids(exercise):
    return catalogue.own(exercise)


def test_right_answers_in_every_style_get_full_marks(graded):
    _, members, rows = graded
    full = {f"check-{e}": points(e) for e in exercises()} | {"check-quiz": quiz_points()}
    for id in members:
        if id == "solution" or id.startswith("style-"):
            assert {cell: rows[id].cells[cell] for cell in full} == full, id
            assert rows[id].misconceptions == {}


def test_partial_work_earns_its_part(graded):
    _, _, rows = graded
    first = exercises()[0]
    assert rows["partial-first"].cells[f"check-{first}"] == points(first)
    assert sum(rows["partial-first"].cells.values()) == points(first)
    assert sum(rows["partial-quiz"].cells.values()) == quiz_points()


def test_nothing_written_earns_nothing(graded):
    _, _, rows = graded
    for id in ("untouched", "empty"):
        assert rows[id].points == 0


def test_every_mistake_is_named_and_costs_its_own_exercise_alone(graded):
    _, members, rows = graded
    for id, member in members.items():
        if not member.mistakes:
            continue
        assert rows[id].misconceptions == member.mistakes, id
        for exercise in exercises():
            earned, most = rows[id].cells[f"check-{exercise}"], points(exercise)
            assert earned == most if exercise not in member.mistakes or most == 0 else earned < most, (id, exercise)
            assert (earned * 4).is_integer()


def test_nbgrader_gives_the_points_that_the_judge_gives_alone(graded):
    _, members, rows = graded
    by_mistake = {}
    for entry in read(CHAPTER, MISCONCEPTIONS):
        verdict = judge(LocalCandidate(component(entry.component), entry.answer), hidden=True)
        by_mistake.setdefault((entry.component, entry.id), set()).add(verdict.points)
    for id, member in members.items():
        for exercise, mistake in member.mistakes.items():
            if points(exercise):
                assert rows[id].cells[f"check-{exercise}"] in by_mistake[exercise, mistake], (id, exercise)


def test_feedback_shows_the_messages_and_no_hidden_check(graded):
    run, members, _ = graded
    seeds = {str(case["seed"]) for cases in hidden_cases(CHAPTER).values() for case in cases}
    assert seeds
    for id, member in members.items():
        page = run.feedback_page(id)
        assert page.is_file()
        text = page.read_text(encoding="utf-8")
        for exercise, mistake in member.mistakes.items():
            assert "Diagnosis" in text and mistake in text, (id, exercise)
        for word in ("hidden_checks", "BEGIN HIDDEN", "misconceptions.py"):
            assert word not in text
        assert not any(re.search(rf"seed\W{{0,3}}{seed}\b", text) for seed in seeds)


def test_the_report_command_reads_the_class_of_its_folder(graded):
    run, members, rows = graded
    command = [sys.executable, "-m", "autograder", "report", CHAPTER]
    told = json.loads(subprocess.run([*command, "--json"], cwd=run.folder, capture_output=True, text=True).stdout)
    assert {row["student"]: row["points"] for row in told["students"]} == {id: rows[id].points for id in members}
    for member in members.values():
        for exercise, mistake in member.mistakes.items():
            assert told["misconceptions"][exercise][mistake] >= 1
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert all(id in page for id in members) and "<script" not in page
    empty = subprocess.run([*command[:-1], "03_self_attention"], cwd=run.folder, capture_output=True, text=True)
    assert empty.returncode == 2 and "generate_assignment 03_self_attention" in empty.stderr


def test_the_export_holds_every_learner(graded):
    run, members, rows = graded
    with open(run.folder / "grades.csv", newline="") as file:
        exported = {line["student_id"]: float(line["score"]) for line in csv.DictReader(file)}
    assert exported == {id: rows[id].points for id in members}


def test_autograded_folders_hold_nothing_of_the_solutions(graded):
    run, members, _ = graded
    for id in members:
        folder = run.folder / "classroom" / "autograded" / id / CHAPTER
        assert {path.name for path in folder.iterdir()} <= {f"{CHAPTER}.ipynb", "timestamp.txt", "submission_secret.txt"}


def test_the_written_question_waits_for_a_person(graded):
    _, _, rows = graded
    assert "waits for a person" in rows["solution"].flags
    assert "waits for a person" not in rows["untouched"].flags

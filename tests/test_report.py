"""The report of a class on what was handed in and cannot be graded."""

import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.classroom import report

CHAPTER = "02_attention_mechanism"
NOTEBOOK = f"{CHAPTER}.ipynb"


def _linked(place, notebook):
    place.mkdir(parents=True)
    (place / NOTEBOOK).symlink_to(notebook)


def _linked_folder(place, notebook):
    place.parent.mkdir(parents=True)
    place.symlink_to(notebook.parent)


def _folder(place, notebook):
    (place / NOTEBOOK).mkdir(parents=True)


def _file(place, notebook):
    place.parent.mkdir(parents=True)
    place.write_bytes(notebook.read_bytes())


ODD = {
    "linked": (_linked, f"not graded: {NOTEBOOK} is a link: hand in the file itself."),
    "linked-folder": (_linked_folder, f"not graded: {CHAPTER} is a link: hand in the folder itself."),
    "folder": (_folder, f"not graded: {NOTEBOOK} is a folder: hand in the file."),
    "file": (_file, f"not graded: {CHAPTER} is not a folder: the notebook belongs into a folder of that name."),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """{learner: row} of a class in which one is graded and the others are odd."""
    folder = tmp_path_factory.mktemp("class")
    notebook = folder / "elsewhere" / NOTEBOOK
    notebook.parent.mkdir()
    notebook.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    for student, (hand_in, _) in ODD.items():
        hand_in(folder / "submitted" / student / CHAPTER, notebook)
    database = f"sqlite:///{folder}/gradebook.db"
    with Gradebook(database) as gradebook:
        gradebook.add_assignment(CHAPTER)
        gradebook.add_notebook(CHAPTER, CHAPTER)
        gradebook.add_student("graded")
        gradebook.add_submission(CHAPTER, "graded")
    course = CourseDirectory(config=Config(CourseDirectory={"root": str(folder), "db_url": database}))
    return {row.student: row for row in report.read(CHAPTER, course).rows}


@pytest.mark.parametrize("student", ODD)
def test_it_says_of_what_cannot_be_graded_what_autograde_says(student, rows):
    assert rows[student].flags == [ODD[student][1]]

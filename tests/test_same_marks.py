"""Honest notebooks in odd states get the same marks from `grade` and from nbgrader's autograde, and none stops a class."""

import json

import nbformat
import odd_notebooks
import pytest
from nbgrader.api import Gradebook
from odd_notebooks import CHAPTER, FULL, cell, right

from autograder import grade
from autograder.classroom.class_run import ClassRun
from autograder.framework.isolation.limits import Limits
from autograder.submission.reading import NotGradable

pytestmark = [pytest.mark.class_run, pytest.mark.timeout(1800)]
FILE = f"{CHAPTER}.ipynb"
ENDLESS = "def softmax(x, dim=-1):\n    while True:\n        x = x + 0"
COSTS_SOFTMAX = {
    "endless": ENDLESS,
    "endless-whatever-comes": (
        "def softmax(x, dim=-1):\n    while True:\n        try:\n            x = x + 0\n"
        "        except BaseException:\n            pass"
    ),
    "asleep": "import time\ndef softmax(x, dim=-1):\n    time.sleep(1000)",
    "crash": "import os\ndef softmax(x, dim=-1):\n    os._exit(3)",
    "all-memory": "def softmax(x, dim=-1):\n    kept = []\n    while True:\n        kept.append(bytearray(10**8))",
    "endless-cell": "def softmax(x, dim=-1):\n    return x\nwhile True:\n    pass",
    "wrong": odd_notebooks.WRONG_SOFTMAX,
}
"""Name -> a `softmax` that earns nothing; whatever it does, the rest is right."""


def text(notebook, **changes):
    return json.dumps({**json.loads(nbformat.writes(notebook)), **changes})


def _foreign_keys(notebook):
    raw = json.loads(nbformat.writes(notebook))
    for number, each in enumerate(raw["cells"]):
        each["metadata"]["vscode"] = {"languageId": "python"}
        each["colab"] = {"base_uri": "https://localhost"}
        if each["cell_type"] == "markdown":
            each |= {"outputs": [], "execution_count": None}
        if number % 2:
            del each["id"]
        each["source"] = each["source"] if isinstance(each["source"], str) else "".join(each["source"])
    raw["metadata"] = {"widgets": {"application/vnd.jupyter.widget-state+json": {"a1": {}}}, "colab": {"name": "x"}}
    return json.dumps({**raw, "nbformat_minor": 4, "extra": True})


def _lone_surrogates(notebook):
    cell(notebook, "softmax").source += "\n# half a smile: HALF"
    cell(notebook, "written").source = "I saw HALF and predicted more."
    return nbformat.writes(notebook).replace("HALF", r"\ud83d")


def _attachments(notebook):
    cell(notebook, "written").source = "![a picture](attachment:my picture (1).png)"
    cell(notebook, "written")["attachments"] = {"my picture (1).png": {"image/png": "iVBORw0KGgo="}, "../../x": "nothing"}
    return json.dumps(notebook)


FILES = {
    "mark-at-the-start": lambda: (FILE, b"\xef\xbb\xbf" + text(right()).encode()),
    "utf-16": lambda: (FILE, text(right()).encode("utf-16")),
    "windows-lines": lambda: (FILE, nbformat.writes(right()).replace("\n", "\r\n").encode()),
    "foreign-keys": lambda: (FILE, _foreign_keys(right()).encode()),
    "lone-surrogates": lambda: (FILE, _lone_surrogates(right()).encode()),
    "attachments": lambda: (FILE, _attachments(right()).encode()),
    "renamed": lambda: (f"{CHAPTER} (1).ipynb", text(right()).encode()),
    "renamed-anew": lambda: ("homework of mine.ipynb", text(right()).encode()),
    "ending-in-capitals": lambda: (f"{CHAPTER} (1).IPYNB", text(right()).encode()),
}
"""Name -> (the name of the file, its bytes) of a right notebook that another program has saved."""

REFUSED = {
    "no-notebook": (FILE, b"{not json", "not a readable notebook"),
    "empty-file": (FILE, b"", "The file is empty"),
    "newer-format": (FILE, b'{"cells": [], "nbformat": 99, "nbformat_minor": 0, "metadata": {}}', "99"),
    "deep": (FILE, b'{"cells": ' + b"[" * 100_000, "not a readable notebook"),
    "another-notebook": ("other.ipynb", b'{"cells": [], "nbformat": 4, "metadata": {}}', "other.ipynb"),
}
"""Name -> (file, bytes, words that the report says of it)."""

BY_GRADE = {"split", "no-ids-no-metadata", "names-taken", "endless", "utf-16"}
"""Those of `SOON` that `grade` is asked for, too; of the others it is asked for all."""

HONEST = {*odd_notebooks.notebooks(), *COSTS_SOFTMAX, *FILES}


SOON = {
    *("split", "all-checks-and-the-set-up-deleted", "all-merged-into-one", "written-anew-below-the-stub-without-its-check"),
    *("no-ids-no-metadata", "from-another-chapter", "quiz-in-a-cell-below", "names-taken", "magics", "no-gradients-by-hand"),
    *("warns", "endless", "crash", "wrong", "utf-16", "foreign-keys", "lone-surrogates", "attachments", "renamed-anew"),
    "compiled",
    *("no-notebook", "empty-file", "deep", "ending-in-capitals"),
}
"""One or two of each kind, in a class of their own: those that every proof tries. `test --all` tries the others too."""


def submissions():
    for name, notebook in odd_notebooks.notebooks().items():
        yield name, FILE, text(notebook).encode()
    for name, source in COSTS_SOFTMAX.items():
        notebook = right(with_attention=True)
        cell(notebook, "softmax").source = source
        yield name, FILE, text(notebook).encode()
    for name, make in FILES.items():
        yield name, *make()
    for name, (file, data, _) in REFUSED.items():
        yield name, file, data


@pytest.fixture(scope="module", params=["soon", pytest.param("later", marks=pytest.mark.slow)])
def graded(request, tmp_path_factory):
    """(the run, {learner: {cell: points by nbgrader}}, {learner: the file handed in}, {learner: row of the report})."""
    made = ClassRun(tmp_path_factory.mktemp("class") / "course", CHAPTER, say=lambda line: None)
    made.release()
    files = {}
    for name, file, data in submissions():
        if (name in SOON) is not (request.param == "soon"):
            continue
        files[name] = made.folder / "classroom" / "submitted" / name / CHAPTER / file
        files[name].parent.mkdir(parents=True)
        files[name].write_bytes(data)
    made.nbgrader("autograde", CHAPTER, ok=(0, 1))
    made.nbgrader("generate_feedback", CHAPTER)
    with Gradebook(f"sqlite:///{made.folder}/classroom/gradebook.db") as gradebook:
        marks = {
            submission.student.id: {grade.name: grade.score for notebook in submission.notebooks for grade in notebook.grades}
            for submission in gradebook.assignment_submissions(CHAPTER)
        }
    return made, marks, files, {row.student: row for row in made.report().rows}


def test_each_notebook_of_the_first_class_is_one_of_those_above():
    assert BY_GRADE <= SOON <= {name for name, _, _ in submissions()}


def wanted(name):
    return {**FULL, "check-softmax": 0.0, "check-attention": 3.0} if name in COSTS_SOFTMAX else FULL


def test_a_right_notebook_in_any_state_gets_its_marks_from_nbgrader(graded):
    _, marks, files, _ = graded
    honest = HONEST & files.keys()
    found = {name: {cell: marks.get(name, {}).get(cell) for cell in wanted(name)} for name in honest}
    assert found == {name: wanted(name) for name in honest}


def test_grade_gives_the_same_marks(graded):
    _, marks, files, _ = graded
    for name in sorted(BY_GRADE & files.keys() or HONEST & files.keys()):
        points = {cell.grade_id: cell.points for cell in grade.grade_notebook(files[name]).cells}
        assert points == marks[name], name


def test_what_cannot_be_graded_is_told_in_the_report_and_stops_nobody(graded):
    _, _, files, rows = graded
    for name in REFUSED.keys() & files.keys():
        words = REFUSED[name][2]
        assert name in rows and words in " ".join(rows[name].flags), rows.get(name)
    for name in {"no-notebook", "empty-file", "newer-format", "deep"} & files.keys():
        with pytest.raises(NotGradable):
            grade.grade_notebook(files[name])


def test_everybody_who_is_graded_gets_a_feedback_page(graded):
    made, _, files, _ = graded
    for name in HONEST & files.keys():
        page = made.feedback_page(name).read_text(encoding="utf-8")
        assert "checks hold" in page, name


def test_an_endless_exercise_holds_a_class_up_for_less_than_a_minute_on_a_busy_machine(graded):
    _, _, files, rows = graded
    for name in COSTS_SOFTMAX.keys() & files.keys():
        assert rows[name].seconds < 60, (name, rows[name].seconds)


def test_a_written_answer_waits_for_a_person_wherever_it_stands(graded):
    _, _, files, rows = graded
    for name in {"no-ids-no-metadata", "ids-without-metadata"} & files.keys():
        assert "waits for a person" in rows[name].flags
    assert Limits().cell_seconds <= 20

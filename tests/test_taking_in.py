"""What was handed in becomes the chapter's notebook as the learner means it, whoever saved it; see also test_same_marks.py."""

import json
import random

import nbformat
import odd_notebooks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_notebooks import CHAPTER, cell, code, copied, place, right

from autograder.submission.binding import binds
from autograder.submission.reading import NotGradable, chapter_of, grade_id, parse
from autograder.submission.taking_in import take_in
from utils.manifest import load

RELEASED = nbformat.read(load().released_notebook(CHAPTER), as_version=4)
GRADED = [id for each in RELEASED.cells if (id := grade_id(each)) and each.metadata.nbgrader.grade]


def taken(notebook):
    """The cells after the way in, by their ids and by their texts."""
    return take_in(parse(json.dumps(notebook).encode()), RELEASED)


def ids(notebook):
    return [grade_id(each) for each in notebook.cells]


@pytest.mark.parametrize("name", odd_notebooks.notebooks())
def test_each_graded_and_locked_cell_stands_once_as_it_was_released(name):
    found = taken(odd_notebooks.notebooks()[name])
    for each in RELEASED.cells:
        id = grade_id(each)
        if id is not None and (each.metadata.nbgrader.grade or each.metadata.nbgrader.locked):
            assert ids(found).count(id) == 1, id
            kept = cell(found, id)
            assert kept.metadata == each.metadata
            assert kept.source == each.source or not each.metadata.nbgrader.locked


def test_a_released_notebook_comes_out_as_it_went_in():
    found = taken(RELEASED)
    assert [each.source for each in found.cells] == [each.source for each in RELEASED.cells]
    assert ids(found) == ids(RELEASED)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_is_done_to_the_cells_every_check_stands_once_and_after_its_exercise(dice: random.Random):
    notebook = right(with_attention=True)
    for _ in range(dice.randint(1, 8)):
        kind, where = dice.choice("copy move delete strip foreign merge".split()), dice.randrange(len(notebook.cells))
        each = notebook.cells[where]
        if kind == "copy":
            notebook.cells.insert(dice.randrange(len(notebook.cells)), nbformat.from_dict(json.loads(json.dumps(each))))
        elif kind == "move":
            notebook.cells.insert(dice.randrange(len(notebook.cells)), notebook.cells.pop(where))
        elif kind == "delete" and len(notebook.cells) > 1:
            del notebook.cells[where]
        elif kind == "strip":
            each.metadata = nbformat.from_dict({})
        elif kind == "foreign":
            each.metadata = nbformat.from_dict({"nbgrader": {"grade_id": "of-another-chapter", "grade": True, "points": 9}})
        elif kind == "merge" and where:
            notebook.cells[where - 1].source += "\n\n" + notebook.cells.pop(where).source
    found = taken(notebook)
    nbformat.validate(found)
    for id in GRADED:
        assert ids(found).count(id) == 1
        exercise = id.removeprefix("check-")
        if exercise != id and exercise in ids(found):
            assert place(found, exercise) < place(found, id)
    assert len({each.id for each in found.cells}) == len(found.cells)


def test_what_a_learner_wrote_into_a_locked_cell_runs_beside_it():
    notebook = right()
    cell(notebook, "set-up").source += "\nimport math as m"
    cell(notebook, "check-softmax").source = 'print("now")\ncheck("softmax")'
    found = taken(notebook)
    after, before = found.cells[place(found, "set-up") + 1], found.cells[place(found, "check-softmax") - 1]
    assert after.source == "import math as m" and before.source == 'print("now")'


def test_a_copy_below_the_check_does_not_move_it():
    notebook = right()
    notebook.cells.append(copied(notebook, "softmax", "softmax = None"))
    found = taken(notebook)
    assert place(found, "check-softmax") == place(found, "softmax") + 1
    assert found.cells[-1].source == "softmax = None" or "softmax = None" in [each.source for each in found.cells]


@pytest.mark.parametrize("how", ["in two cells", "in a cell of its own", "with another id", "in the question's cell"])
def test_a_written_answer_arrives_wherever_it_stands(how):
    notebook = right()
    words = "I predicted little and saw much."
    if how == "in two cells":
        cell(notebook, "written").source = "I predicted little"
        notebook.cells.insert(place(notebook, "written") + 1, copied(notebook, "written", "and saw much."))
    elif how == "in a cell of its own":
        cell(notebook, "written").source = cell(RELEASED, "written").source
        notebook.cells.append(nbformat.v4.new_markdown_cell(words))
    elif how == "with another id":
        notebook.cells[place(notebook, "written")] = nbformat.v4.new_markdown_cell(words)
    else:
        cell(notebook, "written").source = cell(RELEASED, "written").source
        cell(notebook, "written-question").source += f"\n\n{words}"
    answer = cell(taken(notebook), "written")
    assert " ".join(answer.source.split()) == words and answer.metadata == cell(RELEASED, "written").metadata


def test_pictures_of_an_answer_are_kept_and_what_is_none_is_not():
    notebook = right()
    cell(notebook, "written").source = "![seen](attachment:a (1).png)"
    cell(notebook, "written")["attachments"] = {"a (1).png": {"image/png": "iVBORw0="}}
    raw = json.loads(nbformat.writes(notebook))
    raw["cells"][place(notebook, "written")]["attachments"]["../b"] = 3
    found = take_in(parse(json.dumps(raw).encode()), RELEASED)
    assert cell(found, "written").attachments == {"a (1).png": {"image/png": "iVBORw0="}}


def test_metadata_of_other_editors_are_left_out():
    notebook = right()
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"version_major": 2}}
    notebook.cells.append(code("1"))
    notebook.cells[-1].metadata["tags"] = ["skip-execution"]
    found = taken(notebook)
    assert found.metadata == RELEASED.metadata and found.cells[-1].metadata == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_text_in_any_usual_encoding_is_read(encoding):
    data = nbformat.writes(right()).encode(encoding)
    data = b"\xfe\xff" + data if encoding == "utf-16-be" else data
    assert cell(parse(data), "softmax").source == cell(right(), "softmax").source


def test_halves_of_characters_and_other_lines_ends_are_mended():
    raw = json.loads(nbformat.writes(right()))
    raw["cells"][1]["source"] = ["a = 1\r\n", 'b = "HALF WHOLE"\r']
    data = json.dumps(raw).replace("HALF", r"\ud83d").replace("WHOLE", r"\ud83d\ude00")
    source = parse(data.encode()).cells[1].source
    assert source == 'a = 1\nb = "\ufffd \U0001f600"\n'
    source.encode()


def test_an_old_format_is_read():
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"metadata": {}, "cells": [{"cell_type": "code", "language": "python", "input": "a = 1", "outputs": []}]}],
    }
    assert parse(json.dumps(old).encode()).cells[0].source == "a = 1"


KEYS = ["cells", "metadata", "nbformat", "source", "cell_type", "id", "attachments", "nbgrader", "grade_id"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_any_json_is_a_notebook_or_is_refused_with_a_sentence(value):
    try:
        found = parse(json.dumps({"cells": value if isinstance(value, list) else [value], "nbformat": 4}).encode())
        nbformat.validate(take_in(found, RELEASED))
    except NotGradable as reason:
        assert str(reason).endswith((".", "again."))


CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "heading", 1])},
    optional={
        "id": st.sampled_from(["a", "unnamed-0", "unnamed-1", "unnamed-2", "unnamed-1-2", "ä", "", 3]),
        "source": st.text() | st.lists(st.text() | st.none()) | JSON,
        "metadata": JSON | st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": st.text() | st.none()})}),
        "attachments": JSON
        | st.dictionaries(st.text(), st.dictionaries(st.sampled_from(["image/png", "application/json", "a"]), st.text() | JSON)),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(CELLS, max_size=4))
def test_whatever_cells_there_are_what_is_read_is_a_valid_notebook(cells):
    found = parse(json.dumps({"cells": cells, "nbformat": 4}).encode())
    nbformat.validate(found)
    assert len({cell.id for cell in found.cells}) == len(cells) and [cell.cell_type for cell in found.cells] == [
        cell["cell_type"] if cell["cell_type"] in ("code", "markdown", "raw") else "raw" for cell in cells
    ]


def test_a_notebook_under_another_name_is_known_by_its_exercises(tmp_path):
    read = parse(nbformat.writes(right()).encode())
    assert chapter_of(tmp_path / "homework (2).ipynb", read) == CHAPTER
    with pytest.raises(NotGradable, match="no exercise of this course"):
        chapter_of(tmp_path / "homework.ipynb", parse(b'{"cells": [], "nbformat": 4}'))


@pytest.mark.parametrize(("source", "wanted"), [
    ("def f(x): pass", True), ("class f: pass", True), ("f = 1", True), ("f: int = 1", True), ("a, f = 1, 2", True),
    ("from m import f", True), ("from m import g as f", True), ("import f", True), ("def f(x)\n    pass", True),
    ("%%time\ndef f(x): pass", True), ("g = f", False), ("def g():\n    f = 1", False), ("x.f = 1", False), ("", False),
    ("def ff(x)\n", False),
])  # fmt: skip
def test_what_binds_a_name_is_seen(source, wanted):
    assert binds(source, "f") is wanted

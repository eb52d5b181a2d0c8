"""Whatever order a notebook's cells were written and run in, what is saved gives what the notebook gives."""

import tempfile

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learner import Notebook

from utils import chapter_module, library
from utils.manifest import load
from utils.sources import Sources

NAMES = ["softmax", "helper", "shift", "scale", "_inner"]
IMPORTS = ["import math", "import math as m", "from math import floor", "from math import *", "import os, math"]


@st.composite
def notebooks(draw):
    """Cells in the order in which they were run; the last binds `softmax`. Every name that is read is bound by then."""
    bound, cells = [], ["import math\nimport math as m\nfrom math import floor, ceil"]
    for _ in range(draw(st.integers(1, 7))):
        name = draw(st.sampled_from(NAMES[1:]))
        cells.append(draw(_definition(name, tuple(bound))))
        bound.append(name)
    cells.append(draw(_definition("softmax", tuple(bound))))
    return cells


@st.composite
def _definition(draw, name, bound):
    others = [other for other in bound if other != name]
    called = draw(st.lists(st.sampled_from(others), max_size=2, unique=True)) if others else []
    body = " + ".join(["math.floor(x)", str(draw(st.integers(0, 9))), *[f"{other}(x)" for other in called]])
    form = draw(st.sampled_from(["def", "lambda", "class", "partial", "loop", "magic"]))
    if form == "lambda":
        return f"{name} = lambda x: {body}"
    if form == "class":
        return f"class {name}_:\n    def __call__(self, x):\n        return {body}\n\n{name} = {name}_()"
    if form == "partial":
        return f"from functools import partial\ndef _{name}(x, y):\n    return y + {body}\n{name} = partial(_{name}, y=2)"
    if form == "loop":
        loop = f"total_{name} = 0\nfor i_{name} in range(3):\n    total_{name} += i_{name}"
        return f"{loop}\ndef {name}(x):\n    return total_{name} + {body}"
    comment = draw(st.sampled_from(["# why\n", '"""A cell that begins with a string."""\n', ""]))
    return f"{comment}def {name}(x):\n    # the reason stands here\n    return {body}"


def run(cells):
    namespace = {"__name__": "notebook"}
    for cell in cells:
        exec(cell, namespace)
    return namespace


def acyclic(cells):
    """The result of the notebook's own function, or None where its helpers call each other without end."""
    try:
        return run(cells)["softmax"](3.7)
    except RecursionError:
        return None


@given(notebooks())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_what_is_saved_gives_what_the_notebook_gives(cells):
    wanted = acyclic(cells)
    if wanted is None:
        return
    needed, lost = Sources(cells, run(cells)).needed("softmax")
    saved = chapter_module.text_of(needed)
    namespace = {"__name__": "saved"}
    exec(saved, namespace)
    assert not lost and namespace["softmax"](3.7) == wanted, saved


@given(st.lists(st.sampled_from(["softmax", "attention_scores", "attention"]), min_size=1, max_size=5), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_components_that_are_saved_one_after_the_other_all_stay_what_they_were(order, data):
    chapter = load().chapter("02_attention_mechanism")
    text, files, wanted = "", {}, {}
    for name in order:
        number, scale = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 3))
        cell = f"SCALE = {scale}\n\ndef helper(x):\n    return SCALE * x\n\ndef {name}(x):\n    return helper(x) + {number}"
        needed, _ = Sources([cell]).needed(name)
        files.update(chapter_module.files(chapter, name, needed, text))
        text = files[chapter_module.file_name(chapter)]
        wanted[name] = scale * 5 + number
    found = _all_in(files, chapter)
    assert {name: found[name](5) for name in wanted} == wanted, files


def _all_in(files, chapter):
    """The names of a chapter's module, those of modules that stand apart put in where it imports them."""
    text = files[chapter_module.file_name(chapter)]
    namespace = {}
    for exercise in chapter.exercises:
        apart = chapter_module.file_name(chapter, exercise.id)
        line = f"from my_transformer.{apart.removesuffix('.py')} import {exercise.id}"
        if line in text:
            own = {}
            exec(files[apart], own)
            namespace[exercise.id] = own[exercise.id]
            text = text.replace(line, "")
    exec(text, namespace)
    return namespace


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_after_any_day_of_passing_changing_failing_and_restarting_the_disk_has_what_passed_last(monkeypatch, data):
    with tempfile.TemporaryDirectory() as folder, monkeypatch.context() as patch:
        patch.setenv("COURSE_LIBRARY", folder)
        patch.setattr(library, "_passed", {})
        patch.setattr(library, "my", library.My())
        library._forget()
        notebook, chapter, wanted = Notebook(), data.draw(st.sampled_from(load().chapters)), {}
        for version in range(data.draw(st.integers(2, 9))):
            names = [exercise.id for exercise in chapter.exercises]
            event = data.draw(st.sampled_from(["pass", "pass", "pass", "fail", "show", "restart", "other chapter"]))
            name = data.draw(st.sampled_from(names))
            if event in ("restart", "other chapter"):
                chapter = data.draw(st.sampled_from(load().chapters)) if event == "other chapter" else chapter
                library._passed.clear()
                library._forget()
                notebook = Notebook()
            elif event == "show":
                notebook.names[f"shown_{name}"] = library.my.__getattr__(name)
            else:
                there = [other for other in names if other != name and other in notebook.names]
                parts = data.draw(st.lists(st.sampled_from(there), max_size=2, unique=True)) if there else []
                parts = [part for part in parts if name not in str(_value(notebook.names[part]))]  # no circles
                calls = "".join(f", {part}()" for part in parts)
                notebook.run(f"def {name}():\n    return ({name!r}, {version}{calls})")
                if event == "pass":
                    wanted[name] = _passes(notebook, name)
            _forget_and_compare(wanted)


def _value(answer):
    try:
        return answer()
    except TypeError:  # a reference's, which takes arguments
        return answer.__name__


def _passes(notebook, name):
    value = notebook.names[name]()
    library.passed(name, notebook.names[name])
    cells = [cell for cell in notebook.names["In"] if cell]
    assert library.keep(name, cells, notebook.names, lambda answer: answer() == value) is not None
    return value


def _forget_and_compare(wanted):
    library._forget()
    for chapter in load().chapters:
        for exercise in chapter.exercises:
            if exercise.id in wanted:
                saved, problem = library._saved(exercise.id, chapter)
                assert problem is None and saved() == wanted[exercise.id], (exercise.id, wanted)

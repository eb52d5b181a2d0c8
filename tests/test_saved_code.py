"""What is saved of a component is all that it needs, and runs in plain Python.

The components in here bear the course's names and compute nothing that the course asks for.
"""

import pytest
from learner import Notebook, outside, text

from autograder.framework import known_answers
from autograder.notebook import passes_alone
from utils import library
from utils.manifest import load

MECHANISM = load().chapter("02_attention_mechanism")


def test_saved_component_runs_outside_with_helpers_constants_and_imports(home, notebook, capsys):
    notebook.run(
        "import math\nfrom math import floor as down, ceil",
        """
        SCALE = 2
        OFFSETS = [SCALE * i for i in range(3)]
        unused = 'not needed'
        """,
        "def twice(x):\n    return x * SCALE",
        """
        # Why it is so.
        def softmax(x, dim=down(1.5)):
            '''Größe → Maß.'''
            def inner():
                return twice(x) + sum(OFFSETS) + dim + math.floor(0.5)
            return inner()
        """,
        "x = softmax(1)\nprint(x)",
    )
    assert notebook.passes("softmax") == home / "my_transformer" / "attention_mechanism.py"
    assert "softmax is now part of your own library: my_transformer/attention_mechanism.py" in capsys.readouterr().out
    code = "from my_transformer.attention_mechanism import softmax; print(softmax(10), softmax.__doc__)"
    assert outside(home, code) == "27 Größe → Maß."
    saved = text(home)
    assert "unused" not in saved and "print" not in saved and "ceil" not in saved and "# Why it is so." in saved
    assert saved.startswith('"""Chapter 02, The attention mechanism, in your own words: softmax.')


def test_saved_class_comes_with_its_base_decorator_annotation_and_later_parts(home, notebook):
    notebook.run(
        "import torch\nfrom typing import Annotated\nfrom torch import nn, Tensor",
        "class Base(nn.Module):\n    size = 3",
        "def marked(cls):\n    cls.mark = 'seen'\n    return cls",
        """
        @marked
        class SelfAttention(Base):
            def __init__(self, d: int = Base.size):
                super().__init__()
                self.inner = nn.Linear(d, d)

            def forward(self, x: Annotated[Tensor, "batch seq"]) -> Tensor:
                return self.helper(x)
        """,
        "def helper(self, x):\n    return torch.zeros_like(x) + len(self.mark)",
        "SelfAttention.helper = helper",
    )
    notebook.passes("SelfAttention")
    code = "from my_transformer.self_attention import SelfAttention as S; import torch; print(S()(torch.ones(1, 2)).tolist())"
    assert outside(home, code) == "[[4.0, 4.0]]"


def test_magics_and_cells_that_are_no_python_are_left_out(home, notebook):
    notebook.run(
        "%%time\ndef helper():\n    return 5",
        "!true",
        "this is no python",
        "%precision 3\nimport math\n%time LIMIT = 4",
        "def softmax(x):\n    return helper() + LIMIT",
    )
    notebook.passes("softmax")
    assert outside(home, "from my_transformer.attention_mechanism import softmax as s; print(s(0))") == "9"
    assert "get_ipython" not in text(home)


def test_last_binding_of_a_name_wins_and_an_earlier_one_stays_where_it_was_read(home, notebook):
    notebook.run(
        "START = 1",
        "def helper(): return 'old'",
        "def softmax(x, start=START): return start, helper(), COUNT",
        "START = 100\nCOUNT = 1",
        "COUNT += 1",
        "def helper(): return 'new'",
    )
    notebook.passes("softmax")
    assert outside(home, "from my_transformer.attention_mechanism import softmax as s; print(s(0))") == "(1, 'new', 2)"
    assert "'old'" not in text(home)


def test_cell_that_failed_before_it_defined_the_name_is_not_taken(home, notebook):
    notebook.run("def softmax(x):\n    return 'good'", "1 / 0\ndef softmax(x):\n    return 'never defined'")
    notebook.passes("softmax")
    assert outside(home, "from my_transformer.attention_mechanism import softmax as s; print(s(0))") == "good"


def test_star_import_and_names_without_a_statement_are_copied_as_imports(home, notebook):
    notebook.run("from math import *", "exec('LIMIT = 7; import json as notation')")
    notebook.run("def softmax(x):\n    return floor(pi), LIMIT, notation.dumps([1])")
    notebook.passes("softmax")
    assert outside(home, "from my_transformer.attention_mechanism import softmax as s; print(s(0))") == "(3, 7, '[1]')"


def test_name_that_no_statement_gives_is_said_and_nothing_is_saved(home, notebook, capsys):
    notebook.run("exec('def helper(): return torch')", "START = helper\ndef softmax(x, start=helper): return 1")
    assert notebook.passes("softmax") is None
    assert "softmax passed, but it could not be saved in my_transformer/: no cell defines helper." in capsys.readouterr().out
    assert not (home / "my_transformer").exists()


def test_earlier_component_from_my_becomes_an_import(home, notebook):
    notebook.run("from utils import library\nattention = library.my.attention\nsoftmax = library.my.softmax")
    notebook.run("class SelfAttention:\n    def forward(self, x):\n        return attention, softmax")
    notebook.passes("SelfAttention")
    assert "from utils.reference import attention, softmax" in text(home, "self_attention.py")
    Notebook().run("def attention(q): return 'mine'").passes("attention")
    notebook.keep("SelfAttention")
    saved = text(home, "self_attention.py")
    assert "from my_transformer.attention_mechanism import attention" in saved and "from utils.reference import softmax" in saved
    code = "from my_transformer.self_attention import SelfAttention as S; print(S().forward(0)[0](0))"
    assert outside(home, code) == "mine"


def test_cells_with_future_imports_null_bytes_and_shared_lines(home, notebook):
    notebook.run("from __future__ import annotations")
    notebook.run("A = 1; B = 2", "def softmax(x: NoSuchName) -> Other:\n    return A, B")
    cells = [*notebook.names["In"][1:], "bad = '\0'"]
    assert library.keep("softmax", cells, notebook.names, passes_alone("softmax"))
    assert outside(home, "from my_transformer.attention_mechanism import softmax as s; print(s(0))") == "(1, 2)"


@pytest.fixture(scope="module")
def answer():
    """A cell with a right answer to `attention` that needs no earlier component and calls `safe.softmax(-1)`."""
    source = known_answers.right_answers(MECHANISM.id, "attention")["helper-class"].source
    assert "safe.softmax(-1)" in source
    return source


def test_wrong_earlier_component_is_replaced_where_only_the_reference_makes_the_answer_pass(home, notebook, answer):
    # The notebook's softmax is wrong and has not passed; the answer to `attention` calls it.
    notebook.run("import torch\ndef softmax(x, dim=-1): return torch.zeros_like(x)")
    notebook.run(answer.replace("safe.softmax(-1)", "softmax(safe)"))
    assert notebook.passes("attention") is not None
    saved = text(home)
    assert "from utils.reference import softmax" in saved and "zeros_like(x)" not in saved


def test_own_helper_that_bears_the_name_of_a_component_is_kept(home, notebook, answer):
    notebook.run("import torch\ndef attention_scores(scores): return torch.softmax(scores, -1)")
    notebook.run(answer.replace("safe.softmax(-1)", "attention_scores(safe)"))
    assert notebook.passes("attention") is not None
    assert "def attention_scores" in text(home)

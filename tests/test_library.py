"""`my` and the learner's own library: what passed is saved with all that it needs, and can be imported anywhere.

The components in here bear the course's names and compute nothing that the course asks for.
"""

import importlib.util
import inspect
import os
import subprocess
import sys
import textwrap

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.manifest import load
from utils import chapter_module, library, reference
from utils.sources import Sources

MECHANISM = load().chapter("02_attention_mechanism")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder above an empty `my_transformer/`, with nothing passed and nothing given out yet."""
    monkeypatch.setenv("COURSE_LIBRARY", str(tmp_path))
    monkeypatch.setattr(library, "_passed", {})
    monkeypatch.setattr(library, "my", library.My())
    library._forget()
    yield tmp_path
    library._forget()


class Notebook:
    """An IPython shell: cells are run as a learner runs them."""

    def __init__(self):
        config = Config()
        config.HistoryManager.enabled = False
        self._shell = InteractiveShell(config=config)

    def run(self, *cells):
        for cell in cells:
            self._shell.run_cell(textwrap.dedent(cell), store_history=True)
        return self

    def keep(self, name):
        cells = [cell for cell in self._shell.user_ns["In"] if cell]
        return library.keep(name, cells, self._shell.user_ns)

    def passes(self, name):
        library.passed(name, self._shell.user_ns[name])
        return self.keep(name)


@pytest.fixture
def notebook():
    return Notebook()


def outside(home, code):
    """What plain Python prints for `code` in the folder above the library, with `utils` installed."""
    environment = {**os.environ, "PYTHONPATH": str(load().root), "COURSE_LIBRARY": str(home)}
    ran = subprocess.run([sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def text(home, file="attention_mechanism.py"):
    return (home / "my_transformer" / file).read_text(encoding="utf-8")


# What `my` gives


def test_my_gives_the_reference_and_says_so_once(home, capsys):
    assert library.my.softmax is reference.softmax
    assert library.my.softmax is reference.softmax
    assert capsys.readouterr().out == "softmax: the reference (yours has not passed its checks yet)\n"


def test_my_gives_what_passed_in_this_notebook(home, capsys):
    _ = library.my.softmax
    own = object()
    library.passed("softmax", own)
    assert library.my.softmax is own
    assert capsys.readouterr().out.splitlines()[1] == "softmax: yours, from this notebook"


def test_my_gives_what_was_saved_in_an_earlier_notebook(home, notebook, capsys):
    notebook.run("def softmax(x): return 'mine'").passes("softmax")
    library._passed.clear()
    assert library.my.softmax(0) == "mine"
    assert "softmax: yours, from my_transformer/attention_mechanism.py" in capsys.readouterr().out


@pytest.mark.parametrize("variable, value", [("NBGRADER_EXECUTION", "autograde"), ("COURSE_BUILD", "1")])
def test_my_gives_the_reference_under_grading_and_in_a_build(home, notebook, monkeypatch, capsys, variable, value):
    notebook.run("def softmax(x): return 'mine'").passes("softmax")
    before = text(home)
    capsys.readouterr()
    monkeypatch.setenv(variable, value)
    assert library.my.softmax is reference.softmax
    assert capsys.readouterr().out == "softmax: the reference\n"
    assert notebook.run("def softmax(x): return 'other'").passes("softmax") is None
    assert text(home) == before


def test_saved_module_that_does_not_import_gives_way_to_the_reference(home, notebook, capsys):
    path = notebook.run("def softmax(x): return 'mine'").passes("softmax")
    path.write_text("import no_such_module\n")
    library._passed.clear()
    library._forget()
    capsys.readouterr()
    assert library.my.softmax is reference.softmax
    said = capsys.readouterr().out
    assert said.startswith("softmax: the reference (my_transformer/attention_mechanism.py does not import: ModuleNotFoundError")


def test_unknown_name_is_an_error_that_lists_near_names(home):
    with pytest.raises(AttributeError, match="no component 'multiheadattention': did you mean MultiHeadAttention"):
        _ = library.my.multiheadattention
    with pytest.raises(AttributeError, match="_ipython_display_"):
        _ = library.my._ipython_display_


def test_dir_lists_the_components(home):
    assert dir(library.my) == sorted(reference.COMPONENTS)


def test_library_lies_beside_the_chapter_folders(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_LIBRARY", raising=False)
    monkeypatch.setattr(library, "_started_in", tmp_path / "04_multi_head_attention")
    assert library.folder() == tmp_path / "my_transformer"
    monkeypatch.setattr(library, "_started_in", tmp_path / "elsewhere")
    assert library.folder() is None


# What is saved


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
        "import torch\nfrom torch import nn, Tensor\nfrom jaxtyping import Float",
        "class Base(nn.Module):\n    size = 3",
        "def marked(cls):\n    cls.mark = 'seen'\n    return cls",
        """
        @marked
        class SelfAttention(Base):
            def __init__(self, d: int = Base.size):
                super().__init__()
                self.inner = nn.Linear(d, d)

            def forward(self, x: Float[Tensor, "batch seq"]) -> Tensor:
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


def test_saving_one_component_keeps_the_others_and_shares_equal_helpers(home, notebook):
    notebook.run("def helper(): return 1", "def softmax(x): return helper()", "def attention_scores(q, k): return helper() + 1")
    notebook.passes("softmax")
    notebook.passes("attention_scores")
    saved = text(home)
    assert saved.count("def helper") == 1
    assert saved.index("def softmax") < saved.index("def attention_scores")
    notebook.passes("softmax")
    assert text(home) == saved
    code = "from my_transformer.attention_mechanism import softmax, attention_scores as a; print(softmax(0), a(0, 0))"
    assert outside(home, code) == "1 2"
    assert "from my_transformer.attention_mechanism import softmax, attention_scores" in text(home, "__init__.py")


def test_components_that_need_different_versions_of_a_helper_both_stay_right(home, notebook):
    notebook.run("def helper(): return 1", "def softmax(x): return helper()").passes("softmax")
    notebook.run("def helper(): return 2", "def attention_scores(q, k): return helper()").passes("attention_scores")
    code = "from my_transformer.attention_mechanism import softmax, attention_scores as a; print(softmax(0), a(0, 0))"
    assert outside(home, code) == "1 2"
    assert (home / "my_transformer" / "attention_mechanism_softmax.py").exists()
    notebook.run("def softmax(x): return helper() + 1").passes("softmax")
    assert outside(home, code) == "3 2"
    assert not (home / "my_transformer" / "attention_mechanism_softmax.py").exists()


def test_component_with_its_own_version_of_another_stands_apart(home, notebook):
    notebook.run("def softmax(x): return 'passed'").passes("softmax")
    needed, lost = Sources(["def softmax(x): return 'own'\ndef attention(q): return softmax(q)"]).needed("attention")
    texts = chapter_module.files(MECHANISM, "attention", needed, text(home))
    assert lost == []
    assert "'passed'" in texts["attention_mechanism.py"] and "'own'" in texts["attention_mechanism_attention.py"]
    assert "from my_transformer.attention_mechanism_attention import attention" in texts["attention_mechanism.py"]


def test_equal_cells_run_again_change_nothing_and_say_nothing(home, notebook, capsys):
    notebook.run("def softmax(x): return 1").passes("softmax")
    capsys.readouterr()
    notebook.run("def softmax(x): return 1").passes("softmax")
    assert capsys.readouterr().out == ""


def test_library_that_cannot_be_written_is_said(home, notebook, capsys):
    (home / "my_transformer").write_text("a file in the way")
    assert notebook.run("def softmax(x): return 1").passes("softmax") is None
    assert "softmax passed, but it could not be saved in my_transformer/" in capsys.readouterr().out


def test_text_that_is_no_python_any_more_is_put_aside(home, notebook, capsys):
    path = notebook.run("def softmax(x): return 1").passes("softmax")
    path.write_text("def softmax(x) return 1  # edited")
    Notebook().run("def attention(q): return 2").passes("attention")
    assert "what stood there is in attention_mechanism.py.bak now" in capsys.readouterr().out
    assert text(home, "attention_mechanism.py.bak") == "def softmax(x) return 1  # edited"
    assert "def attention" in text(home)


def test_what_another_notebook_saves_is_seen(home, notebook):
    path = notebook.run("def softmax(x): return 'first'").passes("softmax")
    library._passed.clear()
    assert library.my.softmax(0) == "first"
    path.write_text("def softmax(x): return 'second'")
    os.utime(path, ns=(1, 1))
    assert library.my.softmax(0) == "second"


def test_cells_with_future_imports_null_bytes_and_shared_lines(home, notebook):
    notebook.run("from __future__ import annotations")
    notebook.run("A = 1; B = 2", "def softmax(x: NoSuchName) -> Other:\n    return A, B")
    cells = [*notebook._shell.user_ns["In"][1:], "bad = '\0'"]
    assert library.keep("softmax", cells, notebook._shell.user_ns)
    assert outside(home, "from my_transformer.attention_mechanism import softmax as s; print(s(0))") == "(1, 2)"


@pytest.fixture(scope="module")
def variants():
    """The first right answer of `solutions/` for each component of chapter 02, as a cell."""
    path = load().source_folder(MECHANISM.id) / "variants.py"
    spec = importlib.util.spec_from_file_location("variants_of_the_mechanism", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _as_cell(function, name):
    lines = inspect.getsource(function).splitlines()
    body = "\n".join(line for line in lines if not line.startswith("@variant"))
    return "import math\nimport torch\n" + body.replace(f"def {function.__name__}(", f"def {name}(")


def test_wrong_earlier_component_is_replaced_where_only_the_reference_makes_the_answer_pass(home, notebook, variants):
    # The notebook's softmax is wrong and has not passed; the answer to `attention` calls it.
    notebook.run("import torch\ndef softmax(x, dim=-1): return torch.zeros_like(x)")
    notebook.run(_as_cell(variants.attention_by_einsum, "attention").replace("torch.softmax", "softmax"))
    assert notebook.passes("attention") is not None
    saved = text(home)
    assert "from utils.reference import softmax" in saved and "zeros_like(x)" not in saved


def test_own_helper_that_bears_the_name_of_a_component_is_kept(home, notebook, variants):
    notebook.run("import torch\ndef attention_scores(scores): return torch.softmax(scores, -1)")
    answer = _as_cell(variants.attention_by_einsum, "attention")
    notebook.run(answer.replace("torch.softmax(scores, dim=-1)", "attention_scores(scores)"))
    assert notebook.passes("attention") is not None
    assert "def attention_scores" in text(home)

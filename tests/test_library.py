"""`my` gives the learner's own component where it passed, and what passed is kept in `my_transformer/`.

The components in here bear the course's names and compute nothing that the course asks for.
"""

import os

import pytest
from learner import Notebook, outside, text

from utils import chapter_module, library, reference, session
from utils.manifest import load
from utils.sources import Sources

MECHANISM = load().chapter("02_attention_mechanism")


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
def test_nothing_saved_is_read_or_written_under_grading_and_in_a_build(home, notebook, monkeypatch, capsys, variable, value):
    notebook.run("def softmax(x): return 'mine'").passes("softmax")
    library._passed.clear()
    before = text(home)
    capsys.readouterr()
    monkeypatch.setenv(variable, value)
    assert library.my.softmax is reference.softmax
    assert capsys.readouterr().out == "softmax: the reference\n"
    assert notebook.run("def softmax(x): return 'other'").passes("softmax") is None
    assert text(home) == before


def test_what_passed_in_this_kernel_is_taken_in_a_build_and_never_under_grading(monkeypatch):
    def own(x):
        return x

    library.passed("softmax", own)
    monkeypatch.setenv("COURSE_BUILD", "1")
    assert library.my.softmax is own
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert library.my.softmax is reference.softmax


def test_saved_module_that_does_not_import_gives_way_to_the_reference(home, notebook, capsys):
    path = notebook.run("def softmax(x): return 'mine'").passes("softmax")
    path.write_text("import no_such_module\n")
    library._passed.clear()
    library._forget()
    capsys.readouterr()
    assert library.my.softmax is reference.softmax
    said = capsys.readouterr().out
    assert said.startswith("softmax: the reference (my_transformer/attention_mechanism.py does not import: ModuleNotFoundError")


def test_a_module_that_does_not_import_takes_no_other_with_it(home, notebook):
    notebook.run("def create_padding_mask(tokens, pad_id): return 'mine'").passes("create_padding_mask")
    notebook.run("def softmax(x): return 'mine'").passes("softmax").write_text("import no_such_module\n")
    library._passed.clear()
    library._forget()
    assert library.my.softmax is reference.softmax and library.my.create_padding_mask(0, 0) == "mine"
    assert (
        outside(home, "from my_transformer.self_attention import create_padding_mask; print(create_padding_mask(0, 0))") == "mine"
    )


def test_unknown_name_is_an_error_that_lists_near_names(home):
    with pytest.raises(AttributeError, match="no component 'multiheadattention': did you mean MultiHeadAttention"):
        _ = library.my.multiheadattention
    with pytest.raises(AttributeError, match="_ipython_display_"):
        _ = library.my._ipython_display_


def test_dir_lists_the_components(home):
    assert dir(library.my) == sorted(reference.COMPONENTS)


def test_library_lies_beside_the_chapter_folders(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_LIBRARY", raising=False)
    monkeypatch.setattr(session, "_started_in", tmp_path / "04_multi_head_attention")
    assert library.folder() == tmp_path / "my_transformer"
    monkeypatch.setattr(session, "_started_in", tmp_path / "elsewhere")
    assert library.folder() is None


# What is kept


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


def test_in_the_chapters_order_the_saved_parts_are_the_learners_own(home, notebook):
    """`softmax` passes, a demonstration calls `my.softmax`, `attention` passes: it uses the learner's softmax."""
    notebook.run("def softmax(x): return 'mine'").passes("softmax")
    assert library.my.softmax(0) == "mine"
    notebook.run("def attention(q): return softmax(q)").passes("attention")
    assert "utils.reference" not in text(home)
    code = "from my_transformer.attention_mechanism import attention; print(attention(0))"
    assert outside(home, code) == "mine"
    notebook.run("def softmax(x): return 'mine, changed'").passes("softmax")
    assert library.my.softmax(0) == "mine, changed"
    notebook.passes("attention")
    assert outside(home, code) == "mine, changed"


def test_after_a_restart_the_saved_part_of_the_same_chapter_is_taken_over(home, notebook):
    notebook.run("SIGN = 'mine'\ndef softmax(x): return SIGN").passes("softmax")
    library._passed.clear()
    again = Notebook()
    again.names["softmax"] = library.my.softmax
    again.run("def attention(q): return softmax(q)").passes("attention")
    assert "utils.reference" not in text(home) and text(home).count("def softmax") == 1
    code = "from my_transformer.attention_mechanism import attention, softmax; print(attention(0), softmax(0))"
    assert outside(home, code) == "mine mine"


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

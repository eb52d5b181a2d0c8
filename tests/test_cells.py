"""A check judges what the last run of an exercise's cell left, and a learner's variable takes no check away."""

import pytest

import autograder
from autograder.cells import Runs

GOOD = "def softmax(x, dim=-1):\n    return x"


@pytest.fixture
def shell(notebook):
    return notebook._shell


@pytest.fixture
def run(shell):
    """Runs a cell in a watched shell and gives what there is to say of `softmax`."""
    runs = Runs(shell)

    def one(source, id=None):
        shell.run_cell(source, store_history=True, cell_id=id)
        return runs.trouble("softmax")

    return one


@pytest.mark.parametrize("id", ["softmax", None])
@pytest.mark.parametrize(("broken", "words"), [
    ("def softmax(x, dim=-1)\n    return x", "line 1"),
    ("def softmax(x, dim=-1):\nreturn x", "indented"),
    ("softmax = make(softmax)", "make"),
    ("1 / 0\ndef softmax(x, dim=-1):\n    return x", "ZeroDivisionError"),
    ("from nowhere import softmax", "nowhere"),
])  # fmt: skip
def test_a_cell_whose_last_run_failed_is_told_until_it_runs_again(run, id, broken, words):
    assert run(GOOD, id) is None
    assert words in run(broken, id)
    assert words in run("1 + 1")
    assert run(GOOD, id) is None


def test_a_renamed_function_is_told_in_its_own_cell_alone(run):
    assert run(GOOD, "softmax") is None
    assert run("def softmax2(x):\n    return x", "another-cell") is None
    assert "renamed" in run(GOOD.replace("softmax", "sofmax"), "softmax")
    assert run(GOOD, "softmax") is None


def test_an_answer_that_is_there_is_judged_whatever_failed_after_it(run):
    assert run(f"{GOOD}\nprint(undefined)", "softmax") is None
    assert run("softmax(undefined)", "demonstration") is None
    assert run("def attention(q\n", "attention") is None


def test_an_answer_from_a_file_or_with_a_magic_is_an_answer(run, tmp_path, monkeypatch):
    (tmp_path / "own_softmax.py").write_text(GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    for source in ("from own_softmax import softmax", "%time from own_softmax import softmax", f"%%time\n{GOOD}"):
        assert run(source, "softmax") is None


def test_the_names_of_the_checks_are_lent_back_to_a_check_cell(shell, run, monkeypatch):
    monkeypatch.setattr(autograder, "check", lambda name: f"checked {name}")
    shell.user_ns.update(check=3, check_quiz=[])
    assert shell.run_cell('check("softmax")').result == "checked softmax"
    assert shell.user_ns["check"] == 3 and shell.user_ns["check_quiz"] == []
    assert shell.run_cell("check + 1").result == 4
    del shell.user_ns["check"]
    assert shell.run_cell(" check( 'softmax' ) ").result == "checked softmax"

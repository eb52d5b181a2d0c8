"""`check` in a real kernel: what it shows, returns and keeps, and what a learner's own files cannot shadow."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from learner import text
from nbclient import NotebookClient

CHAPTER = "02_attention_mechanism"
SET_UP = "from autograder import check, check_quiz, start\nstart()\nimport torch\nfrom utils import my"
SOFTMAX = """
def exponentials(x, dim):
    return torch.exp(x - x.amax(dim, keepdim=True))

def softmax(x, dim=-1):
    e = exponentials(x, dim)
    return e / e.sum(dim, keepdim=True)
"""

ATTENTION = """
def attention(q, k, v, mask=None):
    scores = attention_scores(q, k)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    blind = (scores == -torch.inf).all(-1, keepdim=True)
    weights = softmax(scores.masked_fill(blind, 0.0)).masked_fill(blind, 0.0)
    return weights @ v, weights
"""


def run(folder, *sources, environment=None):
    """Runs cells in a kernel whose working folder is `folder`; returns the cells with their outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(notebook, timeout=120, allow_errors=True, kernel_name="python3")
    variables = {**os.environ, "COURSE_LIBRARY": str(folder.parent), **(environment or {})}
    client.execute(cwd=str(folder), env=variables)
    return notebook.cells


def shown(cell):
    return "\n".join(output.get("data", {}).get("text/plain", output.get("text", "")) for output in cell.outputs)


def errors(cell):
    return [output for output in cell.outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_a_learners_own_files_shadow_nothing(tmp_path):
    folder = tmp_path / CHAPTER
    folder.mkdir()
    for name in ("utils", "torch", "numpy"):
        (folder / f"{name}.py").write_text("raise RuntimeError('the learner\\'s own file')")
    (folder / "helper.py").write_text("answer = 42")
    cells = run(folder, SET_UP, SOFTMAX, 'check("softmax")', "import helper; helper.answer")
    assert [errors(cell) for cell in cells] == [[], [], [], []]
    assert shown(cells[2]).endswith("2.0") and shown(cells[3]) == "42"


def test_a_check_returns_a_float_and_writes_nothing_to_stderr(tmp_path):
    cells = run(
        tmp_path / CHAPTER, SET_UP, SOFTMAX, 'check("softmax")', "def softmax(x, dim=-1):\n    raise NotImplementedError",
        'check("softmax")', 'check("attention")', "isinstance(check('softmax'), float)",
    )  # fmt: skip
    assert not any(errors(cell) for cell in cells)
    assert "all 7 checks hold" in shown(cells[2]) and shown(cells[2]).endswith("2.0")
    assert "course-points" in cells[2].outputs[-1].data["text/html"]  # the page leaves out the row of the result
    assert "Nothing is here yet" in shown(cells[4]) and shown(cells[4]).endswith("0.0")
    assert "attention is not there yet" in shown(cells[5])
    assert shown(cells[6]).endswith("True")


def test_a_check_that_passes_offers_a_worked_answer_and_a_build_does_not(tmp_path):
    wrong = "def softmax(x, dim=-1):\n    return x"
    build = {"COURSE_BUILD": "1"}
    heading = "Compare with a worked answer"
    cells = run(tmp_path / CHAPTER, SET_UP, wrong, 'check("softmax")', SOFTMAX, 'check("softmax")')
    html = [str(cell.outputs[0].get("data", {}).get("text/html")) for cell in cells if cell.source.startswith("check")]
    assert heading not in html[0] and f"<summary>{heading}</summary>" in html[1] and "def softmax(x, dim=-1):" in html[1]
    assert f"  {heading}: python3 course.py solution softmax" in shown(cells[4])
    built = run(tmp_path / "built" / CHAPTER, SET_UP, SOFTMAX, 'check("softmax")', environment=build)
    assert "all 7 checks hold" in shown(built[2]) and heading not in str(built[2].outputs)


def test_a_check_that_is_interrupted_says_so_without_a_traceback(tmp_path):
    stop = "import os, signal, threading\nthreading.Timer(2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()"
    endless = "def softmax(x, dim=-1):\n    while True:\n        x = x + 0\n"
    endless += "def attention_scores(q, k):\n    return q @ k.mT / q.shape[-1] ** 0.5"
    cells = run(
        tmp_path / CHAPTER, SET_UP, endless, stop, 'check("softmax")', ATTENTION, 'check("attention")', SOFTMAX,
        'check("softmax")', 'check("attention")',
    )  # fmt: skip
    assert not errors(cells[3]) and "was stopped" in shown(cells[3])
    assert "The check of softmax did not end above: the reference stood in" in shown(cells[5])
    assert "attention is now part of your own library" in shown(cells[5]) and shown(cells[5]).endswith("3.0")
    assert "all 7 checks hold" in shown(cells[7]) and "while True" not in text(tmp_path)
    assert shown(cells[8]).endswith("3.0") and "did not end" not in shown(cells[8])


def test_what_passed_is_kept_and_imported_by_plain_python(tmp_path):
    run(tmp_path / CHAPTER, SET_UP, SOFTMAX, 'check("softmax")')
    code = "import torch; from my_transformer.attention_mechanism import softmax; print(softmax(torch.zeros(2)).tolist())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "[0.5, 0.5]", done.stderr


def test_a_later_kernel_builds_on_what_was_kept_and_says_so(tmp_path):
    run(tmp_path / CHAPTER, SET_UP, SOFTMAX, 'check("softmax")')
    cells = run(tmp_path / "03_self_attention", SET_UP, "my.softmax(torch.zeros(2)).tolist()", "my.attention")
    assert "yours" in shown(cells[1]) and "[0.5, 0.5]" in shown(cells[1])
    assert "reference" in shown(cells[2])


def test_under_grading_nothing_is_kept_and_the_reference_is_taken(tmp_path):
    run(tmp_path / CHAPTER, SET_UP, SOFTMAX, 'check("softmax")')
    kept = sorted((tmp_path / "my_transformer").rglob("*.py"))
    times = [path.stat().st_mtime_ns for path in kept]
    grading = {"NBGRADER_EXECUTION": "autograde"}
    cells = run(tmp_path / CHAPTER, SET_UP, SOFTMAX, 'check("softmax")', "my.softmax", environment=grading)
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert "reference" in shown(cells[3]) and "where its own check cell stands" in shown(cells[2])


def test_the_name_counts_as_it_stands_when_its_check_runs(tmp_path):
    wrong = "def softmax(x, dim=-1):\n    return torch.exp(x) / torch.exp(x).sum(dim, keepdim=True)"
    cells = run(tmp_path / CHAPTER, SET_UP, wrong, 'check("softmax")', SOFTMAX, 'check("softmax")')
    assert "Diagnosis (overflow)" in shown(cells[2]) and "Diagnosis" not in shown(cells[4])


def test_a_wrong_helper_of_an_earlier_exercise_does_not_cost_the_later_one(tmp_path):
    wrong = "def softmax(x, dim=-1):\n    return x"
    scores = "def attention_scores(q, k):\n    return q @ k.mT / q.shape[-1] ** 0.5"
    attention = (
        "def attention(q, k, v, mask=None):\n"
        "    scores = attention_scores(q, k)\n"
        "    if mask is not None:\n        scores = scores.masked_fill(~mask, -1e9)\n"
        "    weights = softmax(scores) if mask is None else softmax(scores) * mask\n"
        "    return weights @ v, weights"
    )
    cells = run(tmp_path / CHAPTER, SET_UP, wrong, scores, attention, 'check("attention")', "softmax(torch.ones(2)).tolist()")
    assert shown(cells[4]).endswith("3.0")
    assert shown(cells[5]) == "[1.0, 1.0]"


def test_after_a_restart_the_check_says_for_what_the_reference_stands_in(tmp_path):
    cells = run(tmp_path / CHAPTER, SET_UP, ATTENTION, 'check("attention")', SOFTMAX, 'check("attention")')
    assert "attention calls softmax and attention_scores, not there since this kernel started: the reference stood in" in shown(
        cells[2]
    )
    assert "Run the cells of softmax and attention_scores again." in shown(cells[2])
    assert "calls attention_scores, not there" in shown(cells[4]) and shown(cells[4]).endswith("3.0")


@pytest.mark.parametrize("chapter", [CHAPTER])
def test_a_released_notebook_works_where_it_lies(root, chapter):
    """Who skips `course.py` and opens a notebook of `notebooks/` gets a working one."""
    notebook = nbformat.read(root / "notebooks" / chapter / f"{chapter}.ipynb", as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.source.startswith("from autograder import") and "\nstart()\n" in first.source
    code = f"{first.source}\nprint('ready')"
    done = subprocess.run([sys.executable, "-c", code], cwd=root / "notebooks" / chapter, capture_output=True, text=True)
    assert done.stdout.strip().endswith("ready"), done.stderr
    assert json.dumps(notebook.metadata).count("jupytext") == 0


def test_what_a_session_has_set_and_what_an_answer_says_cost_nothing(tmp_path):
    talks = SOFTMAX.replace(
        "    e = ",
        "    import sys, logging, warnings\n    print('called', file=sys.stderr)\n    logging.warning('slow')\n    e = ",
    )
    cells = run(
        tmp_path / CHAPTER,
        SET_UP,
        "import logging\nlogging.basicConfig(level=logging.INFO)\ncheck = 3",
        "torch.set_grad_enabled(False)\ntorch.set_default_dtype(torch.float64)\ntorch.set_default_device('meta')",
        "torch.use_deterministic_algorithms(True)\ntorch.autograd.set_detect_anomaly(True)",
        "%precision 1\nget_ipython().display_formatter.formatters['text/plain'].for_type(float, lambda x, p, c: p.text('much'))",
        "get_ipython().ast_node_interactivity = 'none'",
        talks.replace("def softmax", "@torch.compile\ndef softmax"),
        'check("softmax")',
        "get_ipython().ast_node_interactivity = 'last_expr'",
        "check, torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device().type",
    )
    assert not any(errors(cell) for cell in cells[6:])
    assert "all 7 checks hold, 2 of 2 points" in shown(cells[7])
    assert shown(cells[9]) == "(3, False, torch.float64, 'meta')"
    assert "torch.compile" in text(tmp_path)


def test_an_older_version_that_still_lives_in_memory_is_not_judged(tmp_path):
    lost_colon = SOFTMAX.replace("dim=-1):", "dim=-1)")
    cells = run(tmp_path / CHAPTER, SET_UP, SOFTMAX, lost_colon, 'check("softmax")', SOFTMAX, 'check("softmax")')
    assert "the last run of its cell failed" in shown(cells[3]) and shown(cells[3]).endswith("0.0")
    assert shown(cells[5]).endswith("2.0")


def test_a_kernel_that_was_started_elsewhere_says_that_nothing_was_saved_and_why(tmp_path):
    elsewhere = tmp_path / "project"
    cells = run(elsewhere, SET_UP, SOFTMAX, 'check("softmax")', environment={"COURSE_LIBRARY": ""})
    assert f"it was not saved in my_transformer/: this kernel was started in {elsewhere}" in shown(cells[2])
    assert not list(tmp_path.rglob("my_transformer*"))


def test_the_own_library_can_be_imported_from_the_set_up_on(tmp_path):
    run(tmp_path / CHAPTER, SET_UP, SOFTMAX, 'check("softmax")')
    own = "from my_transformer.attention_mechanism import softmax\nsoftmax.__module__"
    of_an_older_release = SET_UP.replace(", start\nstart()", "")
    at_home = run(tmp_path / "03_self_attention", of_an_older_release, own)
    graded = run(tmp_path / "03_self_attention", SET_UP, own, environment={"NBGRADER_EXECUTION": "autograde"})
    assert "my_transformer" in shown(at_home[1]) and "utils.reference" in shown(graded[1])

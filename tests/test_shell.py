"""The shell of graded cells beside a real kernel: the same cells, and what each shows.

The files in `shell/` have one session each, a cell after each line of `# %%`. Where that line goes on with `differs:` the two
must differ, for the reason that stands there.
"""

import base64
import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as some
from IPython.core.inputtransformer2 import TokenTransformBase, TransformerManager
from nbclient import NotebookClient

from autograder.framework.isolation.shell import _Transformers
from autograder.framework.known_answers import read
from autograder.framework.solutions import MISCONCEPTIONS, VARIANTS
from autograder.run import GradingRun
from utils.manifest import load

SESSIONS = sorted(Path(__file__).with_name("shell").glob("*.ipy"))
CHAPTER = "02_attention_mechanism"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
BY_CHANCE = {
    "ADDRESS": r"0x[0-9a-f]+|at [0-9a-f]{12}",
    "ID": r"[0-9a-f]{32}",
    "SECONDS": r"[\d.e+-]+ (?:ns|μs|µs|us|ms|s)\b|[\d.,?]+it/s|00:0\d",
    "CELL": r"/tmp/ipykernel_\d+/\d+\.py|<ipython-input-[^>]*>|\b\d+\.py\b",
    "FOLDER": r"/tmp/pytest-of[\w/.-]*/session|/answer",
    "THREAD": r"Thread-\d+",
    "TIME": r"Current time.*",
}


def cells(path):
    """The (reason to differ or "", source) of each cell of a session."""
    parts = re.split(r"^# %%(?: differs: (.*))?\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [(reason or "", source.rstrip("\n")) for reason, source in zip(parts[::2], parts[1::2], strict=True)]


def in_a_kernel(notebook, folder):
    """What a kernel shows for each cell."""
    client = NotebookClient(
        notebook, kernel_name="python3", allow_errors=True, timeout=60, resources={"metadata": {"path": str(folder)}}
    )
    # In a test ipykernel leaves the descriptors alone, and progress bars are off.
    client.execute(env={name: value for name, value in os.environ.items() if name not in ("PYTEST_CURRENT_TEST", "TQDM_DISABLE")})
    return [cell.outputs for cell in notebook.cells]


def in_the_engine(notebook):
    """What the engine's shell shows for each cell, on the way on which submissions are graded."""
    with GradingRun(CHAPTER, notebook, figures=True) as run:
        return [step.outputs for step in run.steps(notebook.cells)]


def seen(outputs):
    """What somebody who reads a notebook sees: streams whole, since their pieces come as they come; and all else in order."""
    streams, others = {"stdout": "", "stderr": ""}, []
    for output in outputs:
        if output["output_type"] == "stream":
            streams[output["name"]] += output["text"]
        elif output["output_type"] == "error":
            last = ANSI.sub("", "\n".join(output["traceback"])).strip().splitlines()[-1]
            others.append(["error", output["ename"], output["evalue"], last])
        else:
            shown = {mime: "a picture" if _is_picture(mime, value) else value for mime, value in output["data"].items()}
            others.append([output["output_type"], shown, output["metadata"]])
    return _without_chance(json.dumps([streams, others], ensure_ascii=False, sort_keys=True, indent=1))


def _is_picture(mime, value):
    if mime == "image/svg+xml":
        return "<svg" in value and "matplotlib" in value.lower()
    return mime.startswith("image/") and len(base64.b64decode(value)) > 1000


def _without_chance(text):
    text = ANSI.sub("", text.replace("\\u001b", "\x1b"))
    for word, pattern in BY_CHANCE.items():
        text = re.sub(pattern, word, text)
    return text


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_cell_shows_in_the_engine_what_it_shows_in_a_kernel(path, tmp_path):
    folder = tmp_path / "session"
    folder.mkdir()
    todo = cells(path)
    notebooks = [nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for _, source in todo]) for _ in range(2)]
    pairs = list(zip(todo, in_a_kernel(notebooks[0], folder), in_the_engine(notebooks[1]), strict=True))
    assert len(pairs) > 10
    wrong = [
        f"{source}\n--- in a kernel\n{seen(there)}\n--- in the engine\n{seen(here)}"
        for (reason, source), there, here in pairs
        if (seen(there) == seen(here)) == bool(reason)
    ]
    assert not wrong, "\n\n".join(wrong)


def transformed(manager, source):
    """What a manager of IPython's makes of a cell, or the error that it raises."""
    try:
        return manager.transform_cell(source)
    except IndentationError as error:
        return error


def test_cells_are_transformed_as_ipython_does_and_few_are_searched_for_magics():
    sources = [source for path in SESSIONS for _, source in cells(path)]
    for chapter in load().chapters:
        notebook = nbformat.read(load().solution_notebook(chapter.id), as_version=4)
        sources += [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        sources += [known.source for file in (MISCONCEPTIONS, VARIANTS) for known in read(chapter.id, file)]
    theirs, ours = TransformerManager(), _Transformers()
    assert len(sources) > 1500 and [s for s in sources if ours.transform_cell(s) != theirs.transform_cell(s)] == []
    searched = []
    ours.token_transformers = [type("Searched", (), {"find": searched.append})]
    ours._ours = list(ours.token_transformers)
    for source in sources:
        ours.transform_cell(source)
    assert 20 < len(searched) < len(sources) / 5


PIECES = [
    "x", " = ", "=", "1", "%", "%%", "!", "!!", "?", "??", "/", ",", ";", "\\\n", "\n", "\n  ", "\n    ", "\t", "(", ")", "'",
    '"""', "#", "time", "if x:", "await ", "ls", ".", "$",
]  # fmt: skip


@given(some.lists(some.sampled_from(PIECES), max_size=12).map("".join))
def test_any_text_is_transformed_as_ipython_does(source):
    there, here = transformed(TransformerManager(), source), transformed(_Transformers(), source)
    if isinstance(there, IndentationError):  # brackets and texts of several lines may hide it: it is found when the cell is run
        assert isinstance(here, IndentationError) or not is_python(here)
    else:
        assert here == there


def is_python(text):
    try:
        compile(text, "cell", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def test_a_learners_own_transformation_of_tokens_is_applied():
    class Doubles(TokenTransformBase):
        @classmethod
        def find(cls, lines):
            return next((cls(token.start) for line in lines for token in line if token.string == "double"), None)

        def transform(self, lines):
            return [line.replace("double", "2 *") for line in lines]

    manager = _Transformers()
    manager.token_transformers.append(Doubles)
    assert manager.transform_cell("double 21") == "2 * 21\n"

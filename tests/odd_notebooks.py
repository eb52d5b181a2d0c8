"""Honest notebooks of chapter 02 in odd states, made from its solution: what a learner does to cells and sessions."""

import json

import nbformat

from autograder.classroom.students import Student, notebook_of, solution_cells
from autograder.quiz import marks as quiz

CHAPTER = "02_attention_mechanism"
QUIZ = 0.25 * len(quiz.read_questions(quiz.questions_file(CHAPTER)))
FULL = {"check-softmax": 2.0, "check-attention_scores": 1.5, "check-quiz": QUIZ}
WRONG_SOFTMAX = "def softmax(x, dim=-1):\n    return x"
STUB = 'def softmax(x, dim=-1):\n    raise NotImplementedError("Your turn: replace this line.")'


def right(with_attention=False):
    """The released notebook with right answers; only the cells that the marks of `FULL` need, so that a run is short."""
    notebook = notebook_of(CHAPTER, Student("right", "", solution_cells(CHAPTER)))
    kept = {"set-up", "softmax", "attention_scores", "quiz", "written-question", "written", *FULL}
    kept |= {"attention", "check-attention"} if with_attention else set()
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in kept]
    return notebook


def place(notebook, id):
    return [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells].index(id)


def cell(notebook, id):
    return notebook.cells[place(notebook, id)]


def code(source):
    return nbformat.v4.new_code_cell(source)


def copied(notebook, id, source=None):
    """A copy of a cell as JupyterLab makes it: the same metadata, another id."""
    copy = nbformat.from_dict(json.loads(json.dumps(cell(notebook, id))))
    copy.id = f"copy-of-{id}"[:60]
    if source is not None:
        copy.source = source
    return copy


def _split(nb):
    whole = cell(nb, "softmax").source
    cell(nb, "softmax").source = "def _helper(x):\n    return x"
    nb.cells.insert(place(nb, "softmax") + 1, copied(nb, "softmax", whole))


def _copied_above(nb):
    nb.cells.insert(place(nb, "softmax"), copied(nb, "softmax", WRONG_SOFTMAX))


def _check_copied(nb):
    nb.cells.insert(place(nb, "check-softmax"), copied(nb, "check-softmax"))


def _check_deleted(nb):
    del nb.cells[place(nb, "check-softmax")]


def _all_checks_and_the_set_up_deleted(nb):
    nb.cells = [c for c in nb.cells if c.metadata.nbgrader.solution]


def _merged(nb):
    cell(nb, "softmax").source += '\n\ncheck("softmax")'
    del nb.cells[place(nb, "check-softmax")]


def _all_merged_into_one(nb):
    names = ("softmax", "attention_scores")
    cell(nb, "softmax").source = "\n\n".join(f'{cell(nb, name).source}\ncheck("{name}")' for name in names)
    gone = {"attention_scores", *[f"check-{name}" for name in names]}
    nb.cells = [c for c in nb.cells if c.metadata.nbgrader.grade_id not in gone]


def _merged_into_the_check(nb):
    cell(nb, "check-softmax").source = f'{cell(nb, "softmax").source}\n\ncheck("softmax")'
    del nb.cells[place(nb, "softmax")]


def _check_moved_above(nb):
    nb.cells.insert(place(nb, "softmax"), nb.cells.pop(place(nb, "check-softmax")))


def _set_up_at_the_end(nb):
    nb.cells.append(nb.cells.pop(place(nb, "set-up")))


def _written_anew(nb):
    nb.cells[place(nb, "softmax")] = code(cell(nb, "softmax").source)


def _written_anew_below_the_stub_without_its_check(nb):
    below = code(cell(nb, "softmax").source)
    cell(nb, "softmax").source = STUB
    nb.cells[place(nb, "check-softmax")] = below


def _exercise_and_check_gone_and_written_anew(nb):
    nb.cells[place(nb, "softmax")] = code(cell(nb, "softmax").source)
    del nb.cells[place(nb, "check-softmax")]


def _ids_without_metadata(nb):
    for each in nb.cells:
        each.id = each.metadata.nbgrader.grade_id
        each.metadata = nbformat.from_dict({})


def _no_ids_no_metadata(nb):
    for number, each in enumerate(nb.cells):
        each.id, each.metadata = f"cell{number}", nbformat.from_dict({})


def _schema_of_another_release(nb):
    for each in nb.cells:
        each.metadata.nbgrader.schema_version = 99
        each.metadata.nbgrader.points = "many"
    cell(nb, "set-up").metadata.nbgrader = nbformat.from_dict({"grade_id": "set-up", "locked": True, "schema_version": 1})


def _from_another_chapter(nb):
    nb.cells.insert(3, code('check("MultiHeadAttention")'))
    nb.cells[3].metadata["nbgrader"] = nbformat.from_dict(
        {"grade_id": "check-MultiHeadAttention", "grade": True, "points": 3, "solution": False, "schema_version": 3}
    )
    nb.cells.insert(3, copied(nb, "softmax", "def split_heads(x, num_heads):\n    return x"))
    nb.cells[3].metadata.nbgrader.grade_id = "split_heads"


def _more_imports_in_the_set_up(nb):
    cell(nb, "set-up").source += "\nimport torch as t"
    cell(nb, "softmax").source = cell(nb, "softmax").source.replace("torch.exp", "t.exp")


def _exercise_as_text(nb):
    nb.cells[place(nb, "softmax")] = nbformat.v4.new_markdown_cell(
        cell(nb, "softmax").source, metadata=cell(nb, "softmax").metadata
    )


def _before(*sources):
    def change(nb):
        nb.cells[1:1] = [code(source) for source in sources]

    return change


def _warns(line):
    def change(nb):
        cell(nb, "softmax").source += (
            "\n_softmax = softmax\ndef softmax(x, dim=-1):\n"
            f"    import sys, logging, warnings\n    {line}\n    return _softmax(x, dim)"
        )

    return change


def _quiz_in_a_cell_below(nb):
    source = cell(nb, "quiz").source
    cell(nb, "quiz").source = "answers = {}"
    nb.cells.insert(place(nb, "quiz") + 1, code(source.replace("answers =", "answers |=")))


def _file_of_their_own(nb):
    source = cell(nb, "softmax").source
    nb.cells.insert(1, code("%%writefile my_softmax.py\nimport torch\n" + source))
    cell(nb, "softmax").source = "from my_softmax import softmax"


def _compiled(nb):
    """For the machine at hand, and run by a backend that needs no C++ compiler: what has been compiled is judged as written."""
    source = cell(nb, "softmax").source
    cell(nb, "softmax").source = f"import torch\n{source.replace('def softmax', '@torch.compile' + chr(10) + 'def softmax')}"
    cell(nb, "attention_scores").source += (
        "\nattention_scores = torch.compile(attention_scores, backend='eager')"
        "\nattention_scores(torch.ones(2, 3), torch.ones(4, 3))"
    )


def _compiled_where_no_compiler_is(nb):
    _compiled(nb)
    nb.cells.insert(place(nb, "quiz"), code("import os\nos.environ['CXX'] = '/nowhere/c++'\nsoftmax(torch.ones(3))"))


ODD = {
    change.__name__.strip("_").replace("_", "-"): change
    for change in (
        _split, _copied_above, _check_copied, _check_deleted, _all_checks_and_the_set_up_deleted, _merged,
        _all_merged_into_one, _merged_into_the_check, _check_moved_above, _set_up_at_the_end, _written_anew,
        _written_anew_below_the_stub_without_its_check, _exercise_and_check_gone_and_written_anew, _ids_without_metadata,
        _no_ids_no_metadata, _schema_of_another_release, _from_another_chapter, _more_imports_in_the_set_up,
        _exercise_as_text, _quiz_in_a_cell_below, _file_of_their_own, _compiled,
        _compiled_where_no_compiler_is,
    )
}  # fmt: skip
"""Name -> a change after which every exercise still is right."""

SESSIONS = {
    "shown-otherwise": (
        "%precision 1",
        "get_ipython().display_formatter.formatters['text/plain'].for_type(float, lambda x, p, c: p.text('much'))",
        "%pprint\n%xmode Minimal\n%colors nocolor",
        "get_ipython().ast_node_interactivity = 'none'",
    ),
    "last-expression-or-assignment": ("%config InteractiveShell.ast_node_interactivity = 'last_expr_or_assign'",),
    "no-gradients": ("import torch\ntorch.set_grad_enabled(False)",),
    "no-gradients-by-hand": ("import torch\ntorch.is_grad_enabled() and torch.no_grad().__enter__()",),
    "another-device": ("import torch\ntorch.set_default_device('meta')",),
    "numbers": (
        "import torch, numpy, warnings\ntorch.set_default_dtype(torch.float64)\ntorch.set_autocast_enabled('cpu', True)",
        "torch.use_deterministic_algorithms(True)\ntorch.autograd.set_detect_anomaly(True)",
        "warnings.simplefilter('error')\nnumpy.seterr(all='raise')",
    ),
    "names-taken": ("check = 3\ncheck_quiz = []",),
    "magics": (
        "%matplotlib inline\n%config InlineBackend.figure_format = 'retina'",
        "%load_ext autoreload\n%autoreload 2",
        "%matplotlib qt\n%gui qt",
        "%connect_info",
        "!echo hello",
    ),
}
"""Name -> cells at the start of a session after which every exercise still is right."""

TALKATIVE = {
    "warns": "warnings.warn('slow')",
    "logs-and-prints": "logging.warning('%s', x.shape); print('called', file=sys.stderr); import os; os.write(2, b'called')",
}
"""Name -> a line in a right `softmax` that says something on stderr."""


def notebooks():
    """{name: a notebook whose exercises all are right}."""
    changes = {**ODD, **{name: _before(*sources) for name, sources in SESSIONS.items()}}
    changes |= {name: _warns(line) for name, line in TALKATIVE.items()}
    made = {}
    for name, change in changes.items():
        made[name] = right()
        change(made[name])
    return made

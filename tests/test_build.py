"""The build: percent script → solution notebook → release; the comparison and the leak test. Each is seen failing."""

import ast
import base64
import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
import some
import tiny
from nbclient import NotebookClient
from traitlets.config.loader import PyFileConfigLoader

from autograder.builder import __main__ as command
from autograder.builder.drift import stale, without_outputs
from autograder.builder.execute import WIDGET, ExecutionError, drop_widget_views, execute, last_value, problems
from autograder.builder.leak import leaks
from autograder.builder.release import folder_bytes, write_release
from autograder.builder.script import ScriptError, expand
from utils.manifest import ROOT, load

CHAPTER = tiny.CHAPTER
BUILT = [chapter.id for chapter in load().chapters if load().solution_notebook(chapter.id).is_file()]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The tiny course, built once."""
    course = tiny.make(tmp_path_factory.mktemp("built"))
    assert command.build(course, [CHAPTER]) == 0
    return course


@pytest.fixture
def course(built, tmp_path):
    """A copy of the built course to spoil."""
    shutil.copytree(built.root, tmp_path, dirs_exist_ok=True)
    return load(tmp_path)


def cells_by_id(notebook):
    return {cell.id: cell for cell in notebook.cells}


def script_of(course):
    return course.script(CHAPTER)


# Script → notebook


def test_headers_expand_to_nbgrader_metadata_with_points_of_the_manifest(course):
    cells = cells_by_id(expand(course, CHAPTER))
    kept = {
        id: {key: cell.metadata.nbgrader[key] for key in ("grade", "solution", "locked")}
        | {"points": cell.metadata.nbgrader.get("points")}
        for id, cell in cells.items()
        if "nbgrader" in cell.metadata
    }
    locked = {"grade": False, "solution": False, "locked": True, "points": None}
    solution = {"grade": False, "solution": True, "locked": False, "points": None}
    check = {"grade": True, "solution": False, "locked": True}
    assert kept == {
        "set-up": locked,
        "quiz-questions": locked,
        "written-question": locked,
        "double": solution,
        "triple": solution,
        "quiz": solution,
        "check-double": check | {"points": 2},
        "check-triple": check | {"points": 0},
        "check-quiz": check | {"points": 1.25},
        "written": {"grade": True, "solution": True, "locked": False, "points": 2},
    }
    assert all(
        cell.metadata.nbgrader.grade_id == id and cell.metadata.nbgrader.schema_version == 3
        for id, cell in cells.items()
        if "nbgrader" in cell.metadata
    )


def test_hints_and_questions_are_written_from_their_files(course):
    cells = cells_by_id(expand(course, CHAPTER))
    assert cells["hints-double"].source.startswith("*Difficulty: 1 of 3. Importance: 3 of 3. About 10 minutes. 2 points.*\n\n")
    assert cells["hints-triple"].source.partition(" 10 minutes. ")[2].startswith("A stretch exercise: no points.*\n\n")
    folds = re.findall(r"<summary>(.*)</summary>", cells["hints-double"].source)
    assert folds == ["Hint 1", "Hint 2", "Hint 3", "Worked answer"]
    assert "One operator is enough." in cells["hints-double"].source
    assert "- **b)** another text" in cells["quiz-questions"].source
    assert ast.literal_eval(cells["quiz"].source.partition("answers = ")[2]) == dict(
        zip(["q1", "q2", "q3", "q4", "q5"], tiny.LETTERS, strict=True)
    )


def test_no_trace_of_the_script_format_is_in_the_product(built):
    notebook = nbformat.read(built.solution_notebook(CHAPTER), as_version=4)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info.version == "3.11"
    assert {key for cell in notebook.cells for key in cell.metadata} <= {"nbgrader", "tags"}


def test_a_corrected_word_changes_no_id(course):
    before = [cell.id for cell in expand(course, CHAPTER).cells]
    tiny.edit(script_of(course), "# Doubling", "# Twice as much")
    assert [cell.id for cell in expand(course, CHAPTER).cells] == before


@pytest.mark.parametrize(("old", "new", "line", "words"), [
    ('slug="look" ', "", 25, "needs one of slug"),
    ('slug="look"', 'slug="title"', 25, "'title' is taken by line 1"),
    ('slug="look"', 'slug="look" colour="red"', 25, "unknown key 'colour'"),
    ('slug="look"', 'slug="a look"', 25, "makes no cell id"),
    ('slug="look"', 'exercise="doubel"', 25, "lists no exercise 'doubel'"),
    ('hints="double"', 'hints="duoble"', 10, "lists no exercise 'duoble'"),
    ('[markdown] hints="double"', 'hints="double"', 10, "make it a markdown cell"),
    ('check("double")', 'check("double") + 1', 22, 'holds just check("double")'),
    ('check_quiz("01_tiny")', 'check_quiz("02_tiny")', 44, 'holds just check_quiz("01_tiny")'),
    ("    ### END SOLUTION\n\n# %% check=\"double\"", '\n# %% check="double"', 12, "stands between"),
    ("    ### BEGIN SOLUTION\n    halfway", "    halfway", 12, "stands between"),
    ('print("a figure"', '### BEGIN SOLUTION\nprint("a figure"', 25, "a solution stands in a cell that is not an exercise"),
    ('# %% exercise="quiz"\n', '# %% exercise="quiz"\nanswers = {}\n', 42, "leave its body empty"),
])  # fmt: skip
def test_a_wrong_header_or_cell_is_named_with_its_line(course, old, new, line, words):
    tiny.edit(script_of(course), old, new)
    with pytest.raises(ScriptError) as caught:
        expand(course, CHAPTER)
    assert f"01_tiny.py:{line}: " in str(caught.value) and words in str(caught.value)


def test_all_wrong_headers_are_named_at_once(course):
    tiny.edit(script_of(course), 'slug="look"', 'colour="red"')
    tiny.edit(script_of(course), 'slug="title"', 'size="7"')
    with pytest.raises(ScriptError) as caught:
        expand(course, CHAPTER)
    assert len(str(caught.value).splitlines()) == 2


# Execution


def test_an_executed_solution_earns_every_point_and_records_no_times(built):
    notebook = nbformat.read(built.solution_notebook(CHAPTER), as_version=4)
    assert problems(built, CHAPTER, notebook) == []
    assert not any("execution" in cell.metadata for cell in notebook.cells)


def test_a_rebuild_of_an_unchanged_script_is_identical_apart_from_outputs(course):
    path = course.solution_notebook(CHAPTER)
    committed = path.read_text()
    assert command.build(course, [CHAPTER]) == 0
    again = nbformat.reads(path.read_text(), as_version=4)
    assert without_outputs(again) == without_outputs(nbformat.reads(committed, as_version=4))


@pytest.mark.parametrize(("line", "words"), [
    ("raise KeyError('missing')", "a cell of the solution fails"),
    ("import sys; print('careful', file=sys.stderr)", "cell look writes to stderr: careful"),
    ("import os; print(os.getcwd())", "cell look holds the course's folder"),
    ("import pathlib; print(pathlib.Path.home())", "cell look holds the home folder"),
    ("object()", "cell look holds an object's address"),
    ("print('x' * 2_100_000)", "the executed notebook has 2.1 MB"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "the kernel did not finish"),
])  # fmt: skip
def test_outputs_that_must_not_be_committed_stop_the_build(course, capsys, line, words):
    before = course.solution_notebook(CHAPTER).read_bytes()
    tiny.edit(script_of(course), 'print("a figure", 1 + 1)', line)
    assert command.build(course, [CHAPTER]) == 1
    message = capsys.readouterr().err
    assert words in message and "python3 course.py build 01_tiny" in message
    assert course.solution_notebook(CHAPTER).read_bytes() == before


def test_a_solution_that_loses_points_or_time_stops_the_build(course):
    tiny.edit(script_of(course), '"double": 2.0', '"double": 1.75')
    tiny.edit(course.root / "course.toml", "seconds = 60", "seconds = 0")
    with pytest.raises(ExecutionError, match="check-double gives 1.75 of 2 points(.|\n)*course.toml allows 0"):
        execute(load(course.root), CHAPTER, expand(load(course.root), CHAPTER))


def test_a_build_tells_its_kernel_so_and_hides_a_class_run(course, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    tiny.edit(
        script_of(course),
        'print("a figure", 1 + 1)',
        "import os\nprint([os.environ.get(name) for name in "
        "('COURSE_BUILD', 'TQDM_DISABLE', 'NBGRADER_EXECUTION', 'OMP_NUM_THREADS')])",
    )
    run = execute(course, CHAPTER, expand(course, CHAPTER))
    assert cells_by_id(run.notebook)["look"].outputs[0].text == "['1', '1', None, '1']\n"
    assert run.cpu_seconds > 0


def test_a_notebook_that_takes_too_much_memory_is_not_built(course, monkeypatch):
    tiny.edit(script_of(course), 'print("a figure", 1 + 1)', "print('a figure', len(b'x' * 400_000_000))")
    peak = execute(course, CHAPTER, expand(course, CHAPTER)).peak_bytes
    assert 400_000_000 < peak < 2_000_000_000
    monkeypatch.setattr("autograder.builder.execute.MEMORY_LIMIT", 400_000_000)
    with pytest.raises(ExecutionError, match=r"took \d\.\d GB of memory, 0\.4 are allowed"):
        execute(course, CHAPTER, expand(course, CHAPTER))


def test_widget_views_are_dropped_and_their_static_fallback_stays():
    outputs = [
        nbformat.v4.new_output("display_data", {WIDGET: {"model_id": "7"}, "text/plain": "IntSlider()"}),
        nbformat.v4.new_output("display_data", {"text/plain": "a picture"}),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("show()", outputs=outputs)])
    drop_widget_views(notebook)
    assert [output.data["text/plain"] for output in notebook.cells[0].outputs] == ["a picture"]


def test_without_execution_outputs_stay_down_to_the_first_changed_cell(course):
    tiny.edit(script_of(course), "# Doubling", "# Twice")
    command.build_chapter(course, CHAPTER, run=False)
    assert stale(course, CHAPTER) == []
    tiny.edit(script_of(course), '("a figure"', '("another figure"')
    command.build_chapter(course, CHAPTER, run=False)
    cells = cells_by_id(nbformat.read(course.solution_notebook(CHAPTER), as_version=4))
    assert cells["check-double"].outputs and not cells["look"].outputs and not cells["check-triple"].outputs
    assert stale(course, CHAPTER) == ["solutions/01_tiny/01_tiny.ipynb was not executed from top to bottom"]


def test_words_alone_keep_every_output_and_bring_prose_and_hints(course, capsys):
    path = course.solution_notebook(CHAPTER)
    outputs = [cell.outputs for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    tiny.edit(script_of(course), "# Doubling", "# Twice")
    tiny.edit(course.root / "course.toml", "Addition does it.", "Adding does it.")
    assert command.build(load(course.root), [CHAPTER], make=command.words_alone) == 0
    assert "words alone, all 8 outputs kept" in capsys.readouterr().out
    assert stale(load(course.root), CHAPTER) == []
    after = nbformat.read(path, as_version=4)
    assert [cell.outputs for cell in after.cells if cell.cell_type == "code"] == outputs and any(outputs)
    assert "# Twice" in after.cells[0].source and "Adding does it." in cells_by_id(after)["hints-double"].source
    assert "# Twice" in course.released_notebook(CHAPTER).read_text()


@pytest.mark.parametrize(("path", "old", "new", "words"), [
    ("solutions/01_tiny/01_tiny.py", '("a figure"', '("another figure"', "the cell look is not as"),
    ("solutions/01_tiny/01_tiny.py", 'slug="look" tags=["nbval-check-output"]', 'slug="look"', "the cell look is not as"),
    ("solutions/01_tiny/01_tiny.py", '# %% slug="look"', '# %% slug="one"\n1\n\n# %% slug="look"', "the cell one is not as"),
    ("solutions/01_tiny/01_tiny.py", 'check_quiz("01_tiny")\n', 'check_quiz("01_tiny")\n\n# %% slug="end"\n2\n', "the number of"),
    ("solutions/01_tiny/01_tiny.ipynb", '"execution_count": 2', '"execution_count": 7', "what was executed is not as"),
    ("solutions/01_tiny/quiz.toml", "Sentence a of question 1,", "Another", "the quiz, whose check shows its"),
    ("course.toml", "points = 2\nminutes = 10", "points = 3\nminutes = 10", "the cell check-double is not as"),
])  # fmt: skip
def test_words_alone_are_refused_where_more_has_changed(course, capsys, path, old, new, words):
    tiny.edit(course.root / path, old, new)
    before = course.solution_notebook(CHAPTER).read_bytes()
    assert command.build(load(course.root), [CHAPTER], make=command.words_alone) == 1
    message = capsys.readouterr().err
    assert words in message and "python3 course.py build 01_tiny" in message
    assert course.solution_notebook(CHAPTER).read_bytes() == before


# Release


def test_the_release_holds_stubs_and_nothing_but_the_notebook(built):
    folder = built.released_notebook(CHAPTER).parent
    assert list(folder_bytes(folder)) == ["01_tiny.ipynb"]
    assert (folder / "01_tiny.ipynb").stat().st_mode & 0o777 == 0o644
    cells = cells_by_id(nbformat.read(folder / "01_tiny.ipynb", as_version=4))
    stub = 'raise NotImplementedError("Your turn: replace this line.")'
    assert cells["double"].source.splitlines() == [
        "def double(value):",
        '    """Twice the value."""',
        "    given_to_everybody = abs(value) + 0",
        f"    {stub}",
    ]
    assert cells["written"].source == "*Your answer here: two to five sentences.*"
    assert not any(cell.get("outputs") for cell in cells.values())


def run_as_a_learner(notebook, folder, **environment):
    """Runs a released notebook to its end, errors or not, in `folder` with the course on the path."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        allow_errors=True,
        timeout=600,
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"} | environment)


@pytest.mark.parametrize("mode", ["grading", pytest.param("at home", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "chapter", some.chapters("02_attention_mechanism", "04_multi_head_attention", "06_positional_encoding", "08_applications")
)
def test_the_release_runs_from_top_to_bottom_with_its_stubs_left_in(chapter, mode, tmp_path):
    notebook = nbformat.read(load().released_notebook(chapter), as_version=4)
    run_as_a_learner(notebook, tmp_path, **({"NBGRADER_EXECUTION": "autograde"} if mode == "grading" else {}))
    outputs = [(cell.id, output) for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [(id, output.evalue) for id, output in outputs if output.output_type == "error"] == []
    assert [(id, output.text) for id, output in outputs if output.get("name") == "stderr"] == []
    checks = {cell.id: last_value(cell) for cell in notebook.cells if cell.id.startswith("check-")}
    assert checks == dict.fromkeys(checks, 0.0)


def test_the_released_quiz_keeps_its_questions_and_loses_its_letters(built):
    cell = cells_by_id(nbformat.read(built.released_notebook(CHAPTER), as_version=4))["quiz"]
    assert cell.source.startswith("# One letter for each question")
    assert ast.literal_eval(cell.source.partition("answers = ")[2]) == dict.fromkeys(["q1", "q2", "q3", "q4", "q5"], "")


def test_a_declared_data_file_is_released_beside_the_notebook(course):
    (course.source_folder(CHAPTER) / "numbers.csv").write_text("1,2\n")
    tiny.edit(course.root / "course.toml", "prerequisites = []", 'prerequisites = []\nfiles = ["numbers.csv"]')
    folder = write_release(load(course.root), CHAPTER)
    assert list(folder_bytes(folder)) == ["01_tiny.ipynb", "numbers.csv"]
    (course.source_folder(CHAPTER) / "numbers.csv").unlink()
    assert list(folder_bytes(write_release(load(course.root), CHAPTER))) == ["01_tiny.ipynb"]


def nbgrader(root, *arguments):
    """nbgrader's own command, as an instructor runs it in `root`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root,
        env=environment | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_an_instructors_generate_assignment_gives_the_same_bytes(course):
    folder = course.released_notebook(CHAPTER).parent
    ours = folder_bytes(folder)
    (folder / f"{CHAPTER}.ipynb").write_text("spoiled")
    nbgrader(course.root, "generate_assignment", CHAPTER, "--force")
    assert folder_bytes(folder) == ours
    assert (course.root / "classroom" / "gradebook.db").is_file()


@pytest.mark.parametrize("chapter", some.chapters("01_attention_problem", "08_applications"))
def test_an_instructors_generate_assignment_gives_the_committed_release(chapter, tmp_path):
    for name in ("autograder", "utils", "solutions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("course.toml", "nbgrader_config.py"):
        shutil.copy(ROOT / name, tmp_path)
    nbgrader(tmp_path, "generate_assignment", chapter, "--force")
    assert folder_bytes(tmp_path / "notebooks" / chapter) == folder_bytes(ROOT / "notebooks" / chapter)
    assert leaks(chapter, tmp_path) == []


COMPONENT = """
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn
from autograder.shared_laws.agreement import agree


def draw(case):
    return Drawn({"value": case.normal(case.batch)})


COMPONENT = Component(draw, cases=[Case(seed=1, batch=3)])


@COMPONENT.law(points=1.0)
def agrees(candidate, case):
    \"\"\"Each entry is as many times its input as the name says\"\"\"
    agree(candidate, draw(case))
"""
REFERENCE = """
def NAME(value):
    return value * TIMES
"""


def test_nothing_of_the_source_folder_is_copied_beside_a_graded_submission(course):
    for name, times in (("double", "2"), ("triple", "3")):
        (course.root / "autograder" / "components" / f"{name}.py").write_text(COMPONENT)
        (course.root / "utils" / "reference" / f"{name}.py").write_text(REFERENCE.replace("NAME", name).replace("TIMES", times))
    nbgrader(course.root, "generate_assignment", CHAPTER, "--force")
    submitted = course.root / "classroom" / "submitted" / "ada" / CHAPTER
    shutil.copytree(course.solution_notebook(CHAPTER).parent, submitted, ignore=shutil.ignore_patterns("*.py", "*.toml"))
    (submitted / "helper.py").write_text("mine = 1\n")
    nbgrader(course.root, "autograde", CHAPTER)
    graded = course.root / "classroom" / "autograded" / "ada" / CHAPTER
    assert sorted(path.name for path in graded.iterdir()) == ["01_tiny.ipynb", "helper.py"]


# Comparison


def test_a_built_course_is_in_step_and_checking_changes_nothing(course, capsys):
    def everything():
        return {name: content for name, content in folder_bytes(course.root).items() if not name.endswith(".pyc")}

    before = everything()
    assert command.check(course, [CHAPTER]) == 0
    assert "In step: 01_tiny" in capsys.readouterr().out
    assert everything() == before


@pytest.mark.parametrize(("path", "old", "new", "words"), [
    ("solutions/01_tiny/01_tiny.py", "# Doubling", "# Twice", "01_tiny.ipynb is not what its script makes"),
    ("course.toml", "Addition does it.", "Adding does it.", "01_tiny.ipynb is not what its script makes"),
    ("solutions/01_tiny/quiz.toml", "Sentence a of question 1,", "Another", "01_tiny.json is not what quiz.toml"),
    ("solutions/01_tiny/01_tiny.ipynb", '"execution_count": 2', '"execution_count": 7', "was not executed"),
    ("solutions/01_tiny/01_tiny.ipynb", "a figure 2", "/home/ada is in /tmp/x", "holds a temporary folder"),
    ("autograder/quiz/keys/01_tiny.json", '"a": "', '"a": "A', "01_tiny.json is not what quiz.toml"),
    ("notebooks/01_tiny/01_tiny.ipynb", "# Doubling", "# Twice", "is not what nbgrader makes"),
])  # fmt: skip
def test_anything_out_of_step_fails_with_the_command_that_repairs_it(course, capsys, path, old, new, words):
    tiny.edit(course.root / path, old, new)
    assert command.check(load(course.root), [CHAPTER]) == 1
    message = capsys.readouterr().err
    assert words in message and "Repair with: python3 course.py build 01_tiny" in message


def test_a_missing_or_a_foreign_product_fails(course, capsys):
    (course.root / "notebooks" / CHAPTER / "notes.txt").write_text("left over")
    assert command.check(course, [CHAPTER]) == 1
    assert "notes.txt is not part of the release" in capsys.readouterr().err
    course.solution_notebook(CHAPTER).unlink()
    assert command.check(course, [CHAPTER]) == 1
    assert "01_tiny.ipynb is missing" in capsys.readouterr().err


def test_an_unknown_chapter_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(["99_nothing", "--check"])
    assert caught.value.code == 2 and "lists no chapter '99_nothing'" in capsys.readouterr().err


# Leaks

SECRET = "halfway_there = value + 0 * value"


def test_nothing_leaks_from_the_built_course(course):
    assert leaks(CHAPTER, course.root) == []


def plant(course, change):
    """Applies `change` to the released notebook's JSON."""
    path = course.released_notebook(CHAPTER)
    notebook = json.loads(path.read_text())
    change(notebook)
    path.write_text(json.dumps(notebook, indent=1))


def an_output(notebook):
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["ok\n", f"--> 4  {SECRET}\n"]}]


def an_html_output(notebook):
    html = "<pre>return value &lt;&lt; 1 if isinstance(value, int) else value * 2</pre>"
    notebook["cells"][1]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/html": [html]}}]


def a_picture(notebook):
    hidden = base64.b64encode(f"PNG tEXt {SECRET}".encode()).decode()
    notebook["cells"][1]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"image/png": hidden}}]


def cell_metadata(notebook):
    notebook["cells"][3]["metadata"]["before"] = json.dumps({"source": f"def double(value):\n    {SECRET}\n"})


def notebook_metadata(notebook):
    notebook["metadata"]["solution"] = {"double": f"{SECRET}  # as before"}


def a_metadata_key(notebook):
    notebook["metadata"][SECRET] = True


def an_attachment(notebook):
    notebook["cells"][0]["attachments"] = {"a.txt": {"text/plain": base64.b64encode(SECRET.encode() * 2).decode()}}


def markdown(notebook):
    notebook["cells"][0]["source"].append(f"\n\n    {SECRET.replace(' ', '')}")


def a_comment(notebook):
    notebook["cells"][0]["source"].append("Think of a step that nobody needs at all.")


def the_rubric(notebook):
    notebook["cells"][-1]["source"].append("One point for a prediction that could have been wrong.")


def a_wrong_answer(notebook):
    notebook["cells"][3]["source"].append("\n    squared_instead = value ** 2 + 0 * value")


def the_worked_answer_in_its_fold(notebook):
    fold = next(cell for cell in notebook["cells"] if cell["id"] == "hints-double")
    fold["source"] = "".join(fold["source"]).replace("A check that passes", f"```\n{SECRET}\n```\nA check that passes")


def a_hidden_case(notebook):
    notebook["cells"][3]["source"].append('\n# "double": [dict(seed=31337, dtype="float64", batch=13)],')


def a_quiz_sentence(notebook):
    notebook["cells"][0]["source"].append("Sentence b of question 3, shown when chosen.")


def the_quiz_key(notebook):
    letters = {f"q{number}": letter for number, letter in enumerate(tiny.LETTERS, 1)}
    notebook["cells"][1]["metadata"]["key"] = str(letters)


@pytest.mark.parametrize("change", [
    an_output, an_html_output, a_picture, cell_metadata, notebook_metadata, a_metadata_key, an_attachment, markdown,
    a_comment, the_worked_answer_in_its_fold, the_rubric, a_wrong_answer, a_hidden_case, a_quiz_sentence, the_quiz_key,
], ids=lambda change: change.__name__)  # fmt: skip
def test_a_secret_planted_in_the_released_notebook_is_found(course, change):
    plant(course, change)
    assert len(found := leaks(CHAPTER, course.root)) == 1, found
    assert found[0].startswith("notebooks/01_tiny/01_tiny.ipynb holds")


@pytest.mark.parametrize(("path", "text"), [
    ("course.toml", f"# {SECRET}\n"),
    ("README.md", f"```\n{SECRET}\n```\n"),
    ("autograder/components/double.json", json.dumps({"double": [SECRET]})),
    ("autograder/quiz/keys/01_tiny.json", '\n{"says": "Sentence b of question 3, shown when chosen."}'),
    ("autograder/hints.py", 'SAYS = "Sentence b of question 3, shown when chosen."\n'),
    ("notebooks/01_tiny/notes.bin", f"\x00\x01{SECRET}"),
])  # fmt: skip
def test_a_secret_planted_in_another_released_file_is_found(course, path, text):
    planted = course.root / path
    planted.parent.mkdir(parents=True, exist_ok=True)
    with planted.open("a") as file:
        file.write(text)
    found = leaks(CHAPTER, course.root)
    assert len(found) == 1 and found[0].startswith(path), found


def test_three_lines_of_a_solution_in_the_courses_code_are_a_leak_and_one_is_a_coincidence(course):
    module = course.root / "utils" / "doubling.py"
    module.write_text(f"def twice(value):\n    {SECRET}\n    return halfway_there * 2\n")
    assert leaks(CHAPTER, course.root) == []
    module.write_text(f"""
def twice(value):
    {SECRET}        # in other words

    the_other_half = halfway_there - 0 * value
    return halfway_there + the_other_half
""")
    assert len(found := leaks(CHAPTER, course.root)) == 1 and found[0].startswith("utils/doubling.py"), found


def test_what_stands_in_any_program_or_is_given_to_learners_is_no_leak(course):
    plant(course, lambda notebook: notebook["cells"][0]["source"].append("\n    given_to_everybody = abs(value) + 0"))
    plant(course, lambda notebook: notebook["cells"][0]["source"].append('\n    "q1": "b"'))
    plant(course, lambda notebook: notebook["cells"][0]["source"].append("\n    def double_squares(value):"))
    assert leaks(CHAPTER, course.root) == []


@pytest.mark.parametrize("chapter", BUILT)
def test_release_contains_no_solution_text(chapter):
    assert leaks(chapter) == []


def test_the_configuration_names_absolute_places_and_an_exchange_where_one_is_given(course, monkeypatch):
    monkeypatch.delenv("COURSE_EXCHANGE", raising=False)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    assert config.CourseDirectory.db_url == f"sqlite:///{course.root}/classroom/gradebook.db"
    assert config.CourseDirectory.root == str(course.root) and "root" not in config.Exchange
    assert f"{CHAPTER}.py" in config.CourseDirectory.ignore and "*.py" not in config.CourseDirectory.ignore
    monkeypatch.setenv("COURSE_EXCHANGE", "/srv/exchange")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    assert config.Exchange.root == "/srv/exchange"

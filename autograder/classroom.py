"""Makes the notebooks of a class from the known answers of a chapter: for the demo, and for tests of a whole class."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder import misconceptions
from autograder.manifest import load
from utils.sources import Sources

STYLES = 4


@dataclass
class Student:
    """A made-up learner: an id, what they wrote in which solution cell, and what they are there to show."""

    id: str
    shows: str
    cells: dict[str, str] = field(default_factory=dict)
    notebook: nbformat.NotebookNode | None = None
    mistakes: dict[str, str] = field(default_factory=dict)


def solution_cells(chapter):
    """{exercise: source} of the solution notebook: every component, the quiz, the written answer."""
    notebook = nbformat.read(load().solution_notebook(chapter), as_version=4)
    marks = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    return {m["grade_id"]: cell.source for cell, m in marks if m.get("solution")}


_REGISTRY = """_answers = []


def misconception(component, style):
    return lambda answer: (_answers.append(answer), answer)[1]


variant = misconception

"""


def answer_cell(chapter, entry, file):
    """Source of a solution cell that holds `entry` of `solutions/CHAPTER/FILE` with what it needs, under its component's name."""
    tree = ast.parse((load().source_folder(chapter) / file).read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not _is_registry(node)]
    name = entry.answer.__name__
    if any(getattr(node, "name", None) == name for node in tree.body):
        for node in tree.body:
            if hasattr(node, "decorator_list"):
                node.decorator_list = [decorator for decorator in node.decorator_list if not _registers(decorator)]
        statements, _ = Sources([ast.unparse(tree)]).needed(name)
        lines = [statement.text for statement in statements]
        return "\n\n".join(lines if name == entry.component else [*lines, f"{entry.component} = {name}"])
    # Made by a function of the file: the whole file, with a registry of its own.
    return f"{_REGISTRY}{ast.unparse(tree)}\n\n{entry.component} = _answers[{entry.number}]"


def _is_registry(node):
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder")


def _registers(decorator):
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Name) and function.id in ("misconception", "variant")


def students(chapter):
    """A class: the solution, other right styles, partial ones, every misconception, an untouched and an empty notebook."""
    right = solution_cells(chapter)
    wrong = misconceptions.read(chapter, "misconceptions.py")
    others = misconceptions.read(chapter, "variants.py")
    made = [Student("solution", "the course's own answers", dict(right))]
    for index in range(STYLES):
        cells = dict(right)
        for component in {entry.component for entry in others}:
            styles = [entry for entry in others if entry.component == component]
            cells[component] = answer_cell(chapter, styles[index % len(styles)], "variants.py")
        made.append(Student(f"style-{index + 1:02}", "right answers in other styles", cells))
    first = load().chapter(chapter).exercises[0].id
    made.append(Student("partial-first", "only the first exercise", {first: right[first]}))
    made.append(Student("partial-quiz", "only the quiz", {"quiz": right["quiz"]}))
    made += _mistaken(chapter, right, wrong)
    made.append(Student("untouched", "the notebook as it was released"))
    made.append(Student("empty", "a notebook without cells", notebook=nbformat.v4.new_notebook()))
    return made


def _mistaken(chapter, right, wrong):
    """Learners who between them make every mistake of the catalogue, each one mistake in every exercise that has some left."""
    left = {}
    for entry in wrong:
        entries = left.setdefault(entry.component, {})
        # Of several wrong answers with one id, one that reads like a learner's.
        if entry.id not in entries or (_reads_well(entry) and not _reads_well(entries[entry.id])):
            entries[entry.id] = entry
    made = []
    while any(left.values()):
        taken = [entries.pop(next(iter(entries))) for entries in left.values() if entries]
        cells = {
            **right,
            **{entry.component: answer_cell(chapter, entry, "misconceptions.py") for entry in taken},
        }
        student = Student(f"mistakes-{len(made) + 1:02}", "; ".join(f"{e.component}: {e.id}" for e in taken), cells)
        student.mistakes = {entry.component: entry.id for entry in taken}
        made.append(student)
    return made


def _reads_well(entry):
    return entry.answer.__name__.isidentifier()


def notebook_of(chapter, student):
    """The notebook that `student` hands in."""
    if student.notebook is not None:
        return student.notebook
    notebook = nbformat.read(load().released_notebook(chapter), as_version=4)
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("solution") and marks["grade_id"] in student.cells:
            cell.source = student.cells[marks["grade_id"]]
    return notebook


def write_submission(folder, chapter, student):
    """Writes the notebook to `folder/STUDENT/CHAPTER/CHAPTER.ipynb` and returns that path."""
    path = Path(folder) / student.id / chapter / f"{chapter}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook_of(chapter, student), path)
    return path

"""Makes the notebooks of a class from the known answers of a chapter: for the demo, and for tests of a whole class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.framework.known_answers import KnownAnswer, read
from autograder.framework.solutions import MISCONCEPTIONS, VARIANTS
from utils.manifest import load

STYLES = 4


@dataclass
class Student:
    """A made-up learner: an id, what they wrote in which solution cell, and what they are there to show."""

    id: str
    shows: str
    cells: dict[str, str] = field(default_factory=dict)
    notebook: nbformat.NotebookNode | None = None
    mistakes: dict[str, str] = field(default_factory=dict)


def solution_cells(chapter: str) -> dict[str, str]:
    """{exercise: source} of the solution notebook: every component, the quiz, the written answer."""
    notebook = nbformat.read(load().solution_notebook(chapter), as_version=4)
    marks = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    return {m["grade_id"]: cell.source for cell, m in marks if m.get("solution")}


def students(chapter: str) -> list[Student]:
    """A class: the solution, other right styles, partial ones, every misconception, an untouched and an empty notebook."""
    right = solution_cells(chapter)
    wrong, others = read(chapter, MISCONCEPTIONS), read(chapter, VARIANTS)
    made = [Student("solution", "the course's own answers", dict(right))]
    for index in range(STYLES):
        cells = dict(right)
        for component in {entry.component for entry in others}:
            styles = [entry for entry in others if entry.component == component]
            cells[component] = styles[index % len(styles)].source
        made.append(Student(f"style-{index + 1:02}", "right answers in other styles", cells))
    first = load().chapter(chapter).exercises[0].id
    made.append(Student("partial-first", "only the first exercise", {first: right[first]}))
    made.append(Student("partial-quiz", "only the quiz", {"quiz": right["quiz"]}))
    made += _mistaken(chapter, right, wrong)
    made.append(Student("untouched", "the notebook as it was released"))
    made.append(Student("empty", "a notebook without cells", notebook=nbformat.v4.new_notebook()))
    return made


def _mistaken(chapter: str, right: Mapping[str, str], wrong: Sequence[KnownAnswer]) -> list[Student]:
    """Learners who between them make every mistake of the catalogue, each one mistake in every exercise that has some left."""
    left: dict[str, dict[str, KnownAnswer]] = {}
    for entry in wrong:
        entries = left.setdefault(entry.component, {})
        # Of several wrong answers with one id, one that reads like a learner's.
        if entry.id not in entries or (_reads_well(entry) and not _reads_well(entries[entry.id])):
            entries[entry.id] = entry
    made: list[Student] = []
    while any(left.values()):
        taken = [entries.pop(next(iter(entries))) for entries in left.values() if entries]
        cells = {
            **right,
            **{entry.component: entry.source for entry in taken},
        }
        student = Student(f"mistakes-{len(made) + 1:02}", "; ".join(f"{e.component}: {e.id}" for e in taken), cells)
        student.mistakes = {entry.component: entry.id for entry in taken}
        made.append(student)
    return made


def _reads_well(entry: KnownAnswer) -> bool:
    return "_answers = []" not in entry.source


def notebook_of(chapter: str, student: Student) -> nbformat.NotebookNode:
    """The notebook that `student` hands in."""
    if student.notebook is not None:
        return student.notebook
    notebook = nbformat.read(load().released_notebook(chapter), as_version=4)
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("solution") and marks["grade_id"] in student.cells:
            cell.source = student.cells[marks["grade_id"]]
    return notebook


def write_submission(folder: str | Path, chapter: str, student: Student) -> Path:
    """Writes the notebook to `folder/STUDENT/CHAPTER/CHAPTER.ipynb` and returns that path."""
    path = Path(folder) / student.id / chapter / f"{chapter}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook_of(chapter, student), path)
    return path

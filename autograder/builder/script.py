"""Reads a chapter's percent script and expands its short cell headers to a notebook with nbgrader metadata.

The headers are those of the scripts in `solutions/`: `slug=`, `hints=`, `exercise=`, `open=` (a task without points),
`check=`, `quiz=`, `answer=`, and `tags=`. The cell ids come from them, so that a corrected word never changes an id.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.builder.quiz_cells import questions_markdown, solved_source
from autograder.quiz.marks import Question, questions_file, read_questions
from utils.manifest import LEVELS, QUIZ_POINTS, Chapter, Course, Exercise

KINDS = {
    "slug": None,
    "hints": "markdown",
    "exercise": "code",
    "open": "code",
    "check": "code",
    "quiz": "markdown",
    "answer": "markdown",
}
LAYOUT = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker"}  # jupytext's own notes
SCHEMA_VERSION = 3
MARKER = "# %%"
ID_FORM = re.compile(r"[a-zA-Z0-9_-]{1,64}")
BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"


# How the worked answer of an exercise is reached; it never holds the answer.
WORKED_ANSWER = (
    "A check that passes shows one below it, to compare with yours. `python3 course.py solution {name}` prints it at any time. "
    "A copy of the course for a class has none: there, ask your instructor."
)


class ScriptError(ValueError):
    """The script is not as it must be; each sentence of the message says where and what to do."""


@dataclass(frozen=True)
class ScriptCell:
    """One cell of the script. `line` is that of its header, `kind` the header's key and `name` its value."""

    line: int
    kind: str
    name: str
    cell_type: str
    tags: tuple[str, ...]
    source: str

    @property
    def id(self) -> str:
        if self.kind in ("slug", "exercise", "open", "answer"):
            return self.name
        return f"{self.kind}-{self.name}"


def read_cells(path: Path) -> list[ScriptCell]:
    """The cells of a script. `ScriptError` names every line at which a header is wrong or an id comes
    twice.
    """
    text = path.read_text(encoding="utf-8")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(MARKER)]
    nodes = jupytext.reads(text, fmt="py:percent").cells
    if len(lines) != len(nodes):
        raise ScriptError(
            f"{path.name}: {len(nodes)} cells, but {len(lines)} lines start with '{MARKER}': begin the "
            "script with a cell header and keep that mark out of strings"
        )
    cells, errors = [], []
    for line, node in zip(lines, nodes, strict=True):
        try:
            cells.append(_cell(line, node))
        except ScriptError as error:
            errors.append(f"{path.name}:{line}: {error}")
    first: dict[str, int] = {}
    for cell in cells:
        if cell.id in first:
            errors.append(f"{path.name}:{cell.line}: the id {cell.id!r} is taken by line {first[cell.id]}: rename one")
        first.setdefault(cell.id, cell.line)
    if errors:
        raise ScriptError("\n".join(errors))
    return cells


def _cell(line: int, node: NotebookNode) -> ScriptCell:
    header = {key: value for key, value in node.metadata.items() if key not in LAYOUT}
    tags = header.pop("tags", [])
    unknown = sorted(set(header) - set(KINDS))
    if unknown:
        raise ScriptError(f"unknown key {unknown[0]!r} in the cell's header: use one of {', '.join(KINDS)}, tags")
    if len(header) != 1:
        raise ScriptError(
            'the header needs one of slug, hints, exercise, open, check, quiz, answer: give a slug="..." to a '
            "cell that is none of the others"
        )
    ((kind, name),) = header.items()
    if KINDS[kind] not in (None, node.cell_type):
        raise ScriptError(f"{kind}= stands on a {node.cell_type} cell: make it a {KINDS[kind]} cell")
    if not ID_FORM.fullmatch(str(name)):
        raise ScriptError(f"{kind}={name!r} makes no cell id: use letters, digits, - and _, at most 64")
    return ScriptCell(line, kind, name, node.cell_type, tuple(tags), node.source)


def expand(course: Course, chapter_id: str) -> NotebookNode:
    """The chapter's solution notebook, not executed. `ScriptError`, `QuizError` or `ManifestError` when it
    cannot be.
    """
    chapter = course.chapter(chapter_id)
    path = course.script(chapter_id)
    quiz_path = questions_file(chapter_id, course.root)
    questions = read_questions(quiz_path) if quiz_path.is_file() else ()
    maker = _Maker(chapter, questions, course.worked_answers)
    cells, errors = [], []
    for cell in read_cells(path):
        try:
            cells.append(maker.node(cell))
        except ScriptError as error:
            errors.append(f"{path.name}:{cell.line}: {error}")
    if errors:
        raise ScriptError("\n".join(errors))
    note = f"<!-- Made from solutions/{chapter_id}/{path.name} by python -m autograder.builder: edit that. -->"
    if not cells or cells[0].cell_type != "markdown":
        raise ScriptError(f"{path.name}:1: begin with a markdown cell that holds the chapter's title")
    cells[0].source = f"{cells[0].source}\n\n{note}"
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=_notebook_metadata(course.python))
    nbformat.validate(notebook)
    return notebook


def _notebook_metadata(python: str) -> dict:
    """As Jupyter writes it, without the patch version of the interpreter."""
    return {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {
            "codemirror_mode": {"name": "ipython", "version": 3},
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "name": "python",
            "nbconvert_exporter": "python",
            "pygments_lexer": "ipython3",
            "version": python,
        },
    }


class _Maker:
    """Makes notebook cells of one chapter's script cells."""

    def __init__(self, chapter: Chapter, questions: tuple[Question, ...], worked_answers: bool) -> None:
        self.chapter = chapter
        self.questions = questions
        self.worked_answers = worked_answers
        self.exercises = {exercise.id: exercise for exercise in chapter.exercises}
        self.solution_ids = {cell for exercise in chapter.exercises for cell in exercise.cells}

    def node(self, cell: ScriptCell) -> NotebookNode:
        source, metadata = getattr(self, f"_{cell.kind}")(cell)
        if cell.tags:
            metadata["tags"] = list(cell.tags)
        new = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
        return new(source, id=cell.id, metadata=metadata)

    def _slug(self, cell: ScriptCell) -> tuple[str, dict]:
        if BEGIN in cell.source or END in cell.source:
            raise ScriptError('a solution stands in a cell that is not an exercise: head it with exercise="..."')
        locked = "setup" in cell.tags or cell.id == "written-question"
        return cell.source, nbgrader(cell.id, locked=True) if locked else {}

    def _hints(self, cell: ScriptCell) -> tuple[str, dict]:
        self._empty(cell, "the hints of course.toml")
        exercise = self._exercise_of(cell)
        folds = {f"Hint {number}": hint for number, hint in enumerate(exercise.hints, 1)}
        if self.worked_answers:
            folds["Worked answer"] = WORKED_ANSWER.format(name=exercise.id)
        blocks = [f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>" for summary, text in folds.items()]
        return "\n".join([f"*{worth(exercise)}*\n", *blocks]), {}

    def _exercise(self, cell: ScriptCell) -> tuple[str, dict]:
        if cell.name == "quiz":
            self._empty(cell, "the letters of quiz.toml")
            self._needs_questions()
            return solved_source(self.questions), nbgrader("quiz", solution=True)
        if cell.name not in self.solution_ids:
            raise ScriptError(f"course.toml lists no exercise {cell.name!r} in {self.chapter.id}: add it there")
        self._has_region(cell)
        return cell.source, nbgrader(cell.id, solution=True)

    def _open(self, cell: ScriptCell) -> tuple[str, dict]:
        """An open task: a stub for the learner, a worked answer in the solution, no points."""
        self._has_region(cell)
        return cell.source, nbgrader(cell.id, solution=True)

    def _check(self, cell: ScriptCell) -> tuple[str, dict]:
        if cell.name == "quiz":
            self._needs_questions()
            call, points = f'check_quiz("{self.chapter.id}")', QUIZ_POINTS * len(self.questions)
        else:
            call, points = f'check("{cell.name}")', self._exercise_of(cell).graded_points
        if cell.source.strip() != call:
            raise ScriptError(f"a check cell holds just {call}: write that")
        return call, nbgrader(cell.id, locked=True, points=points)

    def _quiz(self, cell: ScriptCell) -> tuple[str, dict]:
        self._empty(cell, "the questions of quiz.toml")
        self._needs_questions()
        return questions_markdown(self.questions), nbgrader(cell.id, locked=True)

    def _answer(self, cell: ScriptCell) -> tuple[str, dict]:
        if self.chapter.written is None:
            raise ScriptError(f"course.toml gives no points for it: add [chapter.written] to {self.chapter.id}")
        self._has_region(cell)
        # In markdown the mark would be a heading; nbgrader finds it in a comment too.
        source = cell.source.replace(f"### {BEGIN}", f"<!-- {BEGIN} -->").replace(f"### {END}", f"<!-- {END} -->")
        return source, nbgrader(cell.id, solution=True, points=self.chapter.written.points)

    def _exercise_of(self, cell: ScriptCell) -> Exercise:
        if cell.name not in self.exercises:
            raise ScriptError(f"course.toml lists no exercise {cell.name!r} in {self.chapter.id}: add it there")
        return self.exercises[cell.name]

    def _empty(self, cell: ScriptCell, filling: str) -> None:
        if cell.source.strip():
            raise ScriptError(f"the cell is filled from {filling}: leave its body empty")

    def _needs_questions(self) -> None:
        if not self.questions:
            raise ScriptError(f"solutions/{self.chapter.id}/quiz.toml has no question: write five to eight")

    def _has_region(self, cell: ScriptCell) -> None:
        marks = [mark for line in cell.source.splitlines() for mark in (BEGIN, END) if mark in line]
        if not marks or marks != [BEGIN, END] * (len(marks) // 2):
            raise ScriptError(f"the solution stands between '### {BEGIN}' and '### {END}': mark it so")


def worth(exercise: Exercise) -> str:
    """How hard an exercise is and what it is worth, in words that can be read aloud."""
    points = f"{exercise.points:g} point{'' if exercise.points == 1 else 's'}"
    return (
        f"Difficulty: {exercise.difficulty} of {LEVELS[-1]}. Importance: {exercise.importance} of {LEVELS[-1]}. "
        f"About {exercise.minutes} minutes. {'A stretch exercise: no points' if exercise.stretch else points}."
    )


def nbgrader(grade_id: str, *, solution: bool = False, locked: bool = False, points: float | None = None) -> dict:
    """ScriptCell metadata in nbgrader's form; with points it is a graded cell."""
    form = {
        "schema_version": SCHEMA_VERSION,
        "grade_id": grade_id,
        "grade": points is not None,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    if points is not None:
        form["points"] = int(points) if float(points).is_integer() else points
    return {"nbgrader": form}

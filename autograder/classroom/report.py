"""A graded class at a glance: marks, misconceptions by exercise, times, flags.

Reads the gradebook and the autograded notebooks of the course directory that nbgrader's configuration names.
"""

import glob
import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from dateutil.parser import isoparse
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Assignment, Grade, Gradebook, GradeCell, MissingEntry, SubmittedAssignment
from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url

from autograder.display import number
from autograder.submission import reading
from autograder.submission.handed_in import NotGradable, check_folder, one_line


class NoClass(Exception):
    """There is no graded class to report on; the message says what to do."""


@dataclass
class LearnerRow:
    """One learner."""

    student: str
    points: float
    max_points: float
    cells: dict[str, float]
    misconceptions: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    flags: list[str] = field(default_factory=list)


@dataclass
class Report:
    """One chapter of a class, or another assignment. Where that has several notebooks, a cell is named `NOTEBOOK/CELL`."""

    chapter: str
    cells: dict[str, float]
    rows: list[LearnerRow]

    def counts(self) -> dict[str, dict[str, int]]:
        """{exercise: {misconception: how many learners}}, most frequent first."""
        found: dict[str, Counter[str]] = {}
        for row in self.rows:
            for exercise, id in row.misconceptions.items():
                found.setdefault(exercise, Counter())[id] += 1
        return {exercise: dict(counter.most_common()) for exercise, counter in sorted(found.items())}

    def as_dict(self) -> dict[str, Any]:
        return {
            "chapter": self.chapter,
            "max_points": self.cells,
            "misconceptions": self.counts(),
            "students": [asdict(r) for r in self.rows],
        }


def course_directory() -> CourseDirectory:
    """nbgrader's course directory as the configuration in the working folder says."""
    app = NbGrader()
    app.load_config_file()
    return CourseDirectory(parent=app)


def read(chapter: str, coursedir: CourseDirectory | None = None) -> Report:
    """The `Report` of a chapter, or of another assignment that the gradebook has. Raises `NoClass`."""
    coursedir = coursedir or course_directory()
    url = make_url(coursedir.db_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise NoClass(f"no gradebook yet: run `nbgrader generate_assignment {chapter}` and autograde the class first")
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            assignment = gradebook.find_assignment(chapter)
            cells = {_cell(each, assignment.notebooks): float(each.max_score) for each in _cells(assignment, "grade_cells")}
            wanted = [notebook.name for notebook in assignment.notebooks]
        except MissingEntry:
            there = ", ".join(sorted(each.name for each in gradebook.assignments)) or "none"
            raise NoClass(
                f"the gradebook has no assignment {chapter} (it has {there}): run `nbgrader generate_assignment {chapter}` first"
            ) from None
        submissions = sorted(gradebook.assignment_submissions(chapter), key=lambda s: s.student.id)
        rows = [_row(submission, coursedir, chapter) for submission in submissions]
    known = {row.student for row in rows}
    for folder in _handed_in(coursedir, chapter):
        student = folder.parent.name
        if student not in known:
            reason = why_not(folder, chapter, wanted)
            rows.append(LearnerRow(student, 0.0, sum(cells.values()), {}, flags=[f"not graded: {reason}"]))
    rows.sort(key=lambda row: row.student)
    if not known:
        raise NoClass(f"nobody's {chapter} is graded yet: collect the class and run `nbgrader autograde {chapter}` first")
    return Report(chapter, cells, rows)


def _handed_in(coursedir: CourseDirectory, chapter: str) -> list[Path]:
    """What lies in the places of all submissions of a chapter, graded or not: folders, and what should be one."""
    pattern = coursedir.format_path(coursedir.submitted_directory, "*", chapter)
    return [Path(folder) for folder in sorted(glob.glob(pattern))]


def why_not(folder: Path, assignment: str, notebooks: Sequence[str]) -> str:
    """Why what lies in the folder of a submission has no mark; `notebooks` are the names of what was to be handed in."""
    wanted = [f"{notebook}.ipynb" for notebook in notebooks]
    try:
        names = _names(folder)
        there = [name for name in wanted if name in names]
        for name in there:
            check_folder(folder, [folder / name])
            reading.read(folder / name)
    except NotGradable as reason:
        return str(reason)
    if there:
        return f"run `nbgrader autograde {assignment}` again, and read what it says"
    found, choice = [name for name in names if Path(name).suffix.lower() == ".ipynb"], " or ".join(wanted)
    if not found:
        return f"nothing named {choice} was handed in{', only ' + ', '.join(names) if names else ''}"
    return f"it is called {' and '.join(found)}: rename the right one to {choice} and run `nbgrader autograde {assignment}` again"


def _names(folder: Path) -> list[str]:
    """The names of what lies in the folder of a submission, none where nothing is there. Raises `NotGradable`."""
    if not os.path.lexists(folder):
        return []
    check_folder(folder, ())
    return sorted(path.name for path in folder.iterdir())


def _row(submission: SubmittedAssignment, coursedir: CourseDirectory, chapter: str) -> LearnerRow:
    cells = {_cell(grade, submission.notebooks): float(grade.score) for grade in _cells(submission, "grades")}
    row = LearnerRow(submission.student.id, float(submission.score), float(submission.max_score), cells)
    names = [notebook.name for notebook in submission.notebooks]
    folder = Path(coursedir.format_path(coursedir.autograded_directory, row.student, chapter))
    paths = {name: folder / f"{name}.ipynb" for name in names}
    graded = {name: nbformat.read(path, as_version=4) for name, path in paths.items() if path.is_file()}
    if not graded:
        folder = Path(coursedir.format_path(coursedir.submitted_directory, row.student, chapter))
        row.flags.append(f"not graded: {why_not(folder, chapter, names)}")
        return row
    seconds = [_seconds(cell) for notebook in graded.values() for cell in notebook.cells if cell.cell_type == "code"]
    row.seconds = round(sum(seconds), 2) if any(seconds) else None
    for notebook in graded.values():
        _note_verdicts(row, notebook)
    if any(grade.needs_manual_grade for grade in _cells(submission, "grades")):
        row.flags.append("waits for a person")
    how = {name: notebook.metadata.get("course_grading", {}) for name, notebook in graded.items()}
    by_outputs = [id if len(names) == 1 else f"{name}/{id}" for name in how for id in how[name].get("by_outputs", [])]
    if by_outputs:
        row.flags.append(f"scored by what the cell shows, which a learner can forge: {', '.join(by_outputs)}")
    if not all(each.get("sandbox", True) for each in how.values()):
        row.flags.append("unsafe-no-sandbox")
    if submission.total_seconds_late:
        row.flags.append("late")
    return row


def _cells(assignment: Assignment | SubmittedAssignment, kind: str) -> list[Any]:
    """The cells of one kind of all notebooks of an assignment."""
    return [cell for notebook in assignment.notebooks for cell in getattr(notebook, kind)]


def _cell(cell: GradeCell | Grade, notebooks: Collection[Any]) -> str:
    return cell.name if len(notebooks) == 1 else f"{cell.notebook.name}/{cell.name}"


def _note_verdicts(row: LearnerRow, notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            verdict = output.get("metadata", {}).get("course")
            if verdict and verdict.get("misconception"):
                row.misconceptions[verdict["component"]] = verdict["misconception"]
            for law in verdict.get("faults", []) if verdict else []:
                row.flags.append(f"a fault of the course in the check of {verdict['component']}: “{law}”")


def _seconds(cell: NotebookNode) -> float:
    times = cell.metadata.get("execution", {})
    ends = [times.get(key) for key in ("iopub.execute_input", "shell.execute_reply")]
    return (isoparse(ends[1]) - isoparse(ends[0])).total_seconds() if all(ends) else 0.0


def text(report: Report) -> str:
    """The report for a terminal."""
    width = max(len(one_line(row.student)) for row in report.rows) + 2
    lines = [f"{report.chapter}: {len(report.rows)} learners"]
    for row in report.rows:
        named = ", ".join(f"{exercise}: {id}" for exercise, id in row.misconceptions.items())
        seconds = f"{row.seconds:6.1f} s" if row.seconds is not None else " " * 8
        score = f"{number(row.points):>6} of {number(row.max_points)}"
        lines.append(f"  {one_line(row.student):{width}} {score}  {seconds}  {'; '.join([named, *row.flags]).strip('; ')}")
    for exercise, counter in report.counts().items():
        lines.append(f"  {exercise}: " + ", ".join(f"{id} ×{count}" for id, count in counter.items()))
    return "\n".join(lines)


def html(report: Report) -> str:
    """The report as one page without scripts."""
    head = "".join(f"<th scope='col'>{_in_parts(cell)}<br>of {number(points)}</th>" for cell, points in report.cells.items())
    body = "".join(_html_row(row, report.cells) for row in report.rows)
    counts = "".join(
        f"<li><code>{escape(exercise)}</code>: {', '.join(f'{escape(id)} ×{count}' for id, count in counter.items())}</li>"
        for exercise, counter in report.counts().items()
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(report.chapter)}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:1em;color-scheme:light dark}}table{{border-collapse:collapse}}
th,td{{padding:.3em .5em;border-bottom:1px solid #8884;text-align:right}}th{{vertical-align:bottom}}
td:nth-child(2){{white-space:nowrap}}td:last-child{{min-width:17em}}th:first-child,th:last-child,td:first-child,td:last-child{{text-align:left}}</style>
<h1>{escape(report.chapter)}</h1><p>{len(report.rows)} learners</p>
<h2>Misconceptions by exercise</h2><ul>{counts or "<li>none named</li>"}</ul>
<h2>Marks</h2><table>
<tr><th scope="col">learner</th><th scope="col">total</th>{head}<th scope="col">named, flags</th></tr>
{body}</table></html>
"""


def _html_row(row: LearnerRow, cells: dict[str, float]) -> str:
    marks = "".join(f"<td>{number(row.cells.get(cell, 0.0))}</td>" for cell in cells)
    named = [f"{exercise}: {id}" for exercise, id in row.misconceptions.items()] + row.flags
    total = f"{number(row.points)} of {number(row.max_points)}"
    return f"<tr><td>{escape(one_line(row.student))}</td><td>{total}</td>{marks}<td>{'<br>'.join(map(escape, named))}</td></tr>"


def _in_parts(name: str) -> str:
    """A long name with places where a narrow column may break it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[-_])", "<wbr>", escape(name))

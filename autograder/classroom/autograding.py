"""What nbgrader's `autograde` does in this course (see `nbgrader_config.py`): its own steps, with two of the course's.

A submission is read and taken in by the course's one way (`autograder.submission`), and its cells are run and judged by the
course's one way (`autograder.run`). The rest, the gradebook above all, is nbgrader's. An assignment that is none of the
course's chapters is graded by nbgrader alone. (The grading engine runs any assignment: `engine.steps`.)
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbconvert.exporters import Exporter, NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import rwbase
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.preprocessors import Execute, NbGraderPreprocessor

from autograder.classroom import pages
from autograder.classroom.engine.jobs import chapter_of
from autograder.step import Step
from autograder.submission import jsontext, reading
from autograder.submission.handed_in import check_folder, is_own_folder
from autograder.submission.taking_in import take_in
from utils.manifest import load


class TakeIn(NbGraderPreprocessor):
    """Makes the chapter's notebook of what was handed in, as the learner means it."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        chapter = _chapter(resources)
        if chapter is None:
            return nb, resources
        released = reading.once(load().released_notebook(chapter))
        released_texts = {cell.source.strip() for cell in released.cells if cell.cell_type == "markdown"}
        taken = take_in(nb, released)
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            known = {cell.name for cell in gradebook.find_notebook(chapter, chapter).source_cells}
        for cell in taken.cells:
            if reading.grade_id(cell) not in known:  # released since the gradebook was made, or no graded cell at all
                cell.metadata.pop("nbgrader", None)
            if cell.source.strip() not in released_texts:
                pages.safe_cell(cell)
        return taken, resources


class RunCells(Execute):
    """Runs a submission's cells and judges its exercises; nbgrader's own `Execute` where it is none of a chapter."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict, km: Any = None) -> tuple[NotebookNode, ResourcesDict]:
        chapter = _chapter(resources)
        if chapter is None:
            return super().preprocess(nb, resources, km)
        # It imports PyTorch, which nbgrader's other commands do without.
        from autograder.framework.isolation import server
        from autograder.run import GradingRun

        with GradingRun(chapter, nb, files=Path(resources["metadata"]["path"]), figures=True) as run:
            show(nb, run.steps(nb.cells), server.start(), safe=True)
        return nb, resources


def show(notebook: NotebookNode, steps: Sequence[Step], sandbox: bool, safe: bool) -> None:
    """Writes what became of the cells of a notebook into it; of what is not ours, with `safe`, text and pictures alone."""
    by_outputs = []
    for number, (cell, step) in enumerate(zip(notebook.cells, steps, strict=True), 1):
        if cell.cell_type != "code":
            continue
        cell.outputs = nbformat.from_dict(pages.safe_outputs(step.outputs) if safe and not step.graded else step.outputs)
        cell.execution_count = number
        cell.metadata["execution"] = {
            "iopub.execute_input": step.began.isoformat(),
            "shell.execute_reply": step.ended.isoformat(),
        }
        marks = reading.marks(cell)
        if marks.get("grade") and not marks.get("solution") and step.graded is None:
            by_outputs.append(reading.grade_id(cell))
    notebook.metadata["course_grading"] = {"sandbox": sandbox, **({"by_outputs": by_outputs} if by_outputs else {})}


class _Unshared(NotebookNode):
    """A notebook that nobody else holds: a copy is itself."""

    def __deepcopy__(self, memo: dict) -> "_Unshared":
        return self


class SubmissionExporter(NotebookExporter):
    """nbconvert's exporter of notebooks; what is to be taken in it reads as `reading.read` does, whoever saved it."""

    compact = False
    """Whether the text is for machines alone."""

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **options: Any) -> Any:
        """As nbconvert's, without its copies: what it is given comes from a file, and nobody else has it."""
        nb, resources = Exporter.from_notebook_node(self, _Unshared(nb), resources, **options)
        resources["output_suffix"] = ".nbconvert"
        return jsontext.dumps(nb) if self.compact else _text(nb), resources

    def _preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """As nbconvert's, which first copies everything twice: here nobody else has the notebook."""
        for step in self._preprocessors:
            nb, resources = step(nb, resources)
        # What is on its way to a worker is valid as `reading` makes it, and is looked at when it is back.
        if not (self.compact and self._takes_in(resources)):
            self._validate_preprocessor(nb, self._preprocessors[-1])
        return nb, resources

    def _takes_in(self, resources: Any) -> bool:
        is_chapter = resources is not None and _chapter(resources) is not None
        return is_chapter and any(isinstance(step, TakeIn) for step in self._preprocessors)

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> Any:
        if not self._takes_in(resources):
            return super().from_filename(filename, resources, **options)
        path = Path(filename)
        check_folder(path.parent, [path])
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        return self.from_notebook_node(reading.read(path), resources, **options)


def _text(notebook: NotebookNode) -> str:
    """The text of a notebook's file, as nbformat writes it; nobody needs the notebook afterwards."""
    return jsontext.dumps(rwbase.strip_transient(rwbase.split_lines(notebook)), lines=True)


def adopt_renamed(assignment: str, student: str, notebooks: list[str]) -> None:
    """nbgrader's hook before a submission is read: the one notebook of a chapter, under whatever name, gets the chapter's.

    A browser adds " (1)" to a name, a learning platform more; nbgrader skips such a file.
    """
    wanted = f"{assignment}.ipynb"
    if assignment not in _chapters() or any(Path(notebook).name == wanted for notebook in notebooks):
        return
    # A link could lead to the solution, of which this would make a notebook of the learner's.
    found = [path for path in map(Path, notebooks) if not path.is_symlink() and _belongs(path, assignment)]
    if len(found) == 1:
        notebooks[:] = [str(shutil.copyfile(found[0], found[0].with_name(wanted)))]


def adopt_capitals(folder: Path) -> None:
    """Renames a submitted notebook that ends in .IPYNB, as some systems save it: nbgrader does not look at such a file."""
    for chapter in _chapters():
        for submission in folder.glob(f"*/{chapter}"):
            if not is_own_folder(submission):
                continue
            names = {path.name for path in submission.iterdir()}
            for name in sorted(names):
                wanted = str(Path(name).with_suffix(".ipynb"))
                if name.lower().endswith(".ipynb") and wanted not in names:
                    (submission / name).rename(submission / wanted)


def drop_half_graded(folder: Path) -> None:
    """Removes from nbgrader's folder of graded submissions those whose grading was killed: nbgrader would skip them for ever.

    While another `autograde` runs in this course nothing is removed.
    """
    if _another_autograde():
        return
    for chapter in _chapters():
        for submission in folder.glob(f"*/{chapter}"):
            notebook = submission / f"{chapter}.ipynb"
            if not _has_run(notebook):
                shutil.rmtree(submission)


def _has_run(notebook: Path) -> bool:
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except (OSError, ValueError):
        return False
    return any(cell.cell_type == "code" and cell.execution_count is not None for cell in cells)


def _another_autograde() -> bool:
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    here = (None, os.getcwd())  # None where it belongs to somebody else: it may be here
    others = [each.info for each in psutil.process_iter(["cmdline", "cwd"]) if each.pid not in own]
    lines = [other["cmdline"] or [] for other in others if other["cwd"] in here]
    return any("autograde" in line and any("grader" in word for word in line) for line in lines)


def sanitize_chain() -> list[type]:
    """nbgrader's steps before a submission runs, after the course's own."""
    return [TakeIn, *Autograde().sanitize_preprocessors]


def autograde_chain() -> list[type]:
    """nbgrader's steps from the run to the gradebook, with `RunCells` in the place of `Execute`."""
    return [*(RunCells if step is Execute else step for step in Autograde().autograde_preprocessors), pages.ShowRubric]


def feedback_chain() -> list[type]:
    """nbgrader's steps from a graded notebook to a page for the learner, after one of the course's."""
    return [pages.HideRubric, *GenerateFeedback().preprocessors]


def _chapters() -> list[str]:
    return [chapter.id for chapter in load().chapters]


def _chapter(resources: Any) -> str | None:
    """The chapter that the notebook is of, or None."""
    names = resources.get("nbgrader", {})
    return chapter_of(names.get("assignment"), names.get("notebook"))


def _belongs(path: Path, chapter: str) -> bool:
    try:
        return reading.chapter_of(path, reading.read(path)) == chapter
    except reading.NotGradable:
        return False

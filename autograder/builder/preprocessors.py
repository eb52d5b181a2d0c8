"""What nbgrader does to a solution notebook on its way to the learners (see `nbgrader_config.py`)."""

import re

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

QUIZ_ID = "quiz"
LETTER = re.compile(r'^(\s*"[^"]+":\s*)"[^"]*"', re.MULTILINE)


class ClearAnswers(ClearSolutions):
    """nbgrader's `ClearSolutions`, which takes only the letters out of the quiz cell and leaves its
    questions' ids.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade_id") == QUIZ_ID:
            cell.source = LETTER.sub(r'\1""', cell.source)
            return cell, resources
        return super().preprocess_cell(cell, resources, cell_index)


def release_chain() -> list[type]:
    """nbgrader's own preprocessors of a release, with `ClearAnswers` in the place of `ClearSolutions`."""
    return [ClearAnswers if step is ClearSolutions else step for step in GenerateAssignment().preprocessors]

"""What a component costs in lines that are not blank: its laws, its reference, its wrong and right answers."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from autograder.framework.solutions import MISCONCEPTIONS, UNCATALOGUED, VARIANTS
from utils.manifest import Course

GOAL = 140  # lines a component, on average
CEILING = 161  # what it costs today: the tests hold it there, and it is to come down to the goal


@dataclass
class Lines:
    """The lines of one chapter, and how many components share them."""

    chapter: str
    components: int
    laws: int
    reference: int
    wrong: int
    right: int
    others: int

    @property
    def total(self) -> int:
        """What counts towards the goal: the uncatalogued wrong answers came later and are told beside it."""
        return self.laws + self.reference + self.wrong + self.right


def count(course: Course) -> list[Lines]:
    """The lines of each chapter."""
    return [_chapter(course, chapter.id) for chapter in course.chapters]


def _chapter(course: Course, chapter_id: str) -> Lines:
    names = [exercise.id for exercise in course.chapter(chapter_id).exercises]
    folder = course.source_folder(chapter_id)
    laws = sum(_lines(course.root / "autograder" / "components" / f"{name}.py") for name in names)
    reference = sum(_lines(course.root / "utils" / "reference" / f"{name}.py") for name in names)
    wrong, right, others = (_lines(folder / file) for file in (MISCONCEPTIONS, VARIANTS, UNCATALOGUED))
    return Lines(chapter_id, len(names), laws, reference, wrong, right, others)


def _lines(path: Path) -> int:
    """Lines that are not blank, without the docstring of the module."""
    if not path.is_file():
        return 0
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text), clean=False) or ""
    whole = sum(bool(line.strip()) for line in text.splitlines())
    return whole - sum(bool(line.strip()) for line in docstring.splitlines())


def text(found: list[Lines]) -> str:
    """A table, with the average of a component at its foot."""
    rows = [f"{'':30} {'components':>10} {'laws':>6} {'reference':>9} {'wrong':>6} {'right':>6} {'each':>6}  uncatalogued"]
    for row in found:
        each = row.total / max(row.components, 1)
        parts = f"{row.laws:6} {row.reference:9} {row.wrong:6} {row.right:6}"
        rows.append(f"{row.chapter:30} {row.components:10} {parts} {each:6.0f}  {row.others}")
    components = sum(row.components for row in found)
    average = sum(row.total for row in found) / max(components, 1)
    return "\n".join([*rows, f"{components} components, {average:.0f} lines each on average (goal: {GOAL})"])

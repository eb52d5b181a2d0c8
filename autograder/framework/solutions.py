"""The one loader of what stands in `solutions/` beside a chapter's script; nothing of it ships to learners."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from utils.manifest import Course, load

MISCONCEPTIONS, VARIANTS, UNCATALOGUED, HIDDEN = "misconceptions.py", "variants.py", "uncatalogued.py", "hidden_checks.py"
_MARK = re.compile(r"^# %%", re.MULTILINE)
_NAMED = re.compile(r'(exercise|open)="([\w-]+)"')


def module(path: Path) -> ModuleType | None:
    """The Python file at `path` as a module of its own, run afresh; None where there is none."""
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"{path.stem}_{path.parent.name}", path)
    if spec is None or spec.loader is None:
        return None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def hidden_cases(chapter: str) -> dict[str, list[dict]]:
    """The chapter's hidden cases, as dicts of `Case`'s arguments, by component; empty where `solutions/` is not there."""
    return _hidden(load().source_folder(chapter) / HIDDEN)


@cache
def _hidden(path: Path) -> dict[str, list[dict]]:
    loaded = module(path)
    return {} if loaded is None else loaded.CASES


def code_cells(course: Course, chapter: str) -> list[str]:
    """The sources of the code cells of a chapter's script, the marks of the solutions taken out."""
    return [source for _, source in _code_cells(course, chapter)]


def _code_cells(course: Course, chapter: str) -> Iterator[tuple[str, str]]:
    """Pairs (header, source)."""
    text = course.script(chapter).read_text(encoding="utf-8")
    for cell in _MARK.split(text)[1:]:
        header, _, body = cell.partition("\n")
        if "[markdown]" not in header:
            lines = [line for line in body.splitlines() if not line.strip().startswith("### ")]
            yield header, "\n".join(lines)


@dataclass(frozen=True)
class WorkedAnswer:
    """The course's own answer to an exercise or an open task: the source of its cells, in order."""

    name: str
    chapter: str
    source: str


def worked_answers(course: Course) -> list[WorkedAnswer]:
    """What a learner may be shown: nothing where `solutions/` is not there or `worked_answers` is off."""
    if not course.worked_answers:
        return []
    owners = {cell: exercise.id for exercise in course.exercises for cell in exercise.cells}
    cells: dict[tuple[str, str], list[str]] = {}
    for chapter in course.chapters:
        for header, source in _code_cells(course, chapter.id) if course.script(chapter.id).is_file() else ():
            named = _NAMED.search(header)
            name = owners.get(named[2]) if named and named[1] == "exercise" else named[2] if named else None
            if name is not None:  # the quiz is not an exercise
                cells.setdefault((name, chapter.id), []).append(source.strip("\n"))
    return [WorkedAnswer(name, chapter_id, "\n\n\n".join(sources)) for (name, chapter_id), sources in cells.items()]

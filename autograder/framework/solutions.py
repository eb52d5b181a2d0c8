"""The one loader of what stands in `solutions/` beside a chapter's script; nothing of it ships to learners."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

from utils.manifest import Course, load

MISCONCEPTIONS, VARIANTS, UNCATALOGUED, HIDDEN = "misconceptions.py", "variants.py", "uncatalogued.py", "hidden_checks.py"
_MARK = re.compile(r"^# %%", re.MULTILINE)


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
    text = course.script(chapter).read_text(encoding="utf-8")
    cells = []
    for cell in _MARK.split(text)[1:]:
        header, _, body = cell.partition("\n")
        if "[markdown]" not in header:
            lines = [line for line in body.splitlines() if not line.strip().startswith("### ")]
            cells.append("\n".join(lines))
    return cells

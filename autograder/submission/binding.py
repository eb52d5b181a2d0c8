"""Which names the code of a cell defines. Asked in each kernel too: nothing is imported here that takes time."""

from __future__ import annotations

import ast
import re
from functools import lru_cache


def binds(source: str, name: str) -> bool:
    """Whether the code of a cell defines `name` at its top level; of code that cannot be read, whether it looks so."""
    bound = _bound(source)
    if bound is not None:
        return name in bound
    word = re.escape(name)
    made = rf"^(?:%\w+\s+)?(?:(?:def|class)\s+{word}\b|{word}\s*=|from\s.*\bimport\b.*\b{word}\b)"
    return bool(re.search(made, source, re.MULTILINE))


@lru_cache(maxsize=256)  # asked for each exercise of the course after each cell
def _bound(source: str) -> frozenset[str] | None:
    """The names that the code of a cell defines at its top level; None where it cannot be read."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(statement.name)
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom):
            nodes = ast.walk(statement)
            names |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            names |= {alias.asname or alias.name for alias in getattr(statement, "names", [])}
    return frozenset(names)

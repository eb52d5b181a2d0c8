"""Answers of which it is known what they are: a chapter's wrong ones by catalogue id, right ones by style, and others.

A file of `solutions/NN_name/` registers functions and classes with `misconception`, `variant` or `uncatalogued`, and edits
of right answers with `edits`: an edit is `this text → that text`, so that one slip is tried in several styles for a line
each. It fails loudly when the text is no longer there.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from autograder.framework import solutions
from utils.manifest import load
from utils.sources import Sources

ARROW = "→"
SOLUTION, REFERENCE = "solution", "reference"
_BORROWED = "from utils import reference\n\n\ndef {name}(*args, **kwargs):\n    return reference.{name}(*args, **kwargs)\n"
_REGISTERS = {"misconception", "variant", "uncatalogued"}


class EditError(ValueError):
    """An edit of a known answer cannot be made; the message says which and why."""


@dataclass(frozen=True)
class KnownAnswer:
    """`id` is the catalogue id, the name of the style, or what the mistake is; `source` the text of a cell that holds it."""

    component: str
    id: str
    title: str
    answer: object
    source: str


@dataclass(frozen=True)
class _Entry:
    """What a file has registered: an object of the file, or an edit (base style, replacements)."""

    component: str
    id: str
    answer: object = None
    base: str = ""
    changes: tuple[str, ...] = ()


_registered: list[_Entry] = []


def misconception(component: str, id: str) -> Callable:
    """Registers a wrong answer under the catalogue id that names its mistake. An id may have several."""
    return _register(component, id)


def variant(component: str, style: str) -> Callable:
    """Registers a right answer in another style; it must always pass."""
    return _register(component, style)


def uncatalogued(component: str, mistake: str) -> Callable:
    """Registers a wrong answer for which no id of the catalogue fits: it must fail and be given no name."""
    return _register(component, mistake)


def _register(component: str, id: str) -> Callable:
    def keep(answer: object) -> object:
        _registered.append(_Entry(component, id, answer))
        return answer

    return keep


def edits(component: str, table: Mapping[str, object]) -> None:
    """Registers edits of right answers: {id: edit}, of the solution, or {id: {style: edit}}.

    A style is one of `variants.py`, or "solution". An edit is `old → new`, a tuple of such (all are made, one answer), or a
    list of edits (one answer each).
    """
    for id, wanted in table.items():
        for style, given in (wanted if isinstance(wanted, dict) else {SOLUTION: wanted}).items():
            for change in given if isinstance(given, list) else [given]:
                changes = change if isinstance(change, tuple) else (change,)
                _registered.append(_Entry(component, id, base=style, changes=changes))


def borrowed(*components: str) -> None:
    """Registers under `uses-builtin` for each of these functions an answer that hands back what the reference makes of it."""
    _registered.extend(_Entry(component, "uses-builtin", base=REFERENCE) for component in components)


@cache
def read(chapter: str, file: str) -> tuple[KnownAnswer, ...]:
    """The known answers of `solutions/CHAPTER/FILE` in order; none where that file is not there."""
    path = load().source_folder(chapter) / file
    _registered.clear()
    loaded = solutions.module(path)
    entries = list(_registered)
    _registered.clear()
    if loaded is None:
        return ()
    text = path.read_text(encoding="utf-8")
    objects = [entry for entry in entries if not entry.base]
    return tuple(_edited(chapter, e) if e.base else _written(e, text, objects.index(e)) for e in entries)


def right_answers(chapter: str, component: str) -> dict[str, KnownAnswer]:
    """{style: answer}: the solution and the variants of a component."""
    found = {SOLUTION: solution(chapter, component)}
    return found | {known.id: known for known in read(chapter, solutions.VARIANTS) if known.component == component}


@cache
def solution(chapter: str, component: str) -> KnownAnswer:
    """The answer of the chapter's own script."""
    source = _needed(solutions.code_cells(load(), chapter), component)
    return _run(component, SOLUTION, SOLUTION, source)


def _edited(chapter: str, entry: _Entry) -> KnownAnswer:
    if entry.base == REFERENCE:
        return _run(entry.component, entry.id, REFERENCE, _BORROWED.format(name=entry.component))
    plain = {SOLUTION: solution(chapter, entry.component)}  # `variants.py` itself may edit the solution alone
    bases = plain if entry.base == SOLUTION else right_answers(chapter, entry.component)
    where = f"the edit of {entry.component} for {entry.id!r}"
    if entry.base not in bases:
        raise EditError(f"{where}: there is no style {entry.base!r}: choose one of {', '.join(bases)}")
    source = bases[entry.base].source
    for change in entry.changes:
        old, arrow, new = change.partition(f" {ARROW} ")
        old, new = old.strip("\n"), new.strip("\n")
        if not arrow and change.endswith(f" {ARROW}"):
            old, arrow = change.removesuffix(f" {ARROW}"), ARROW
        if not arrow:
            raise EditError(f"{where} on {entry.base!r} is not of the form 'old {ARROW} new': {change!r}")
        if old not in source:
            raise EditError(f"{where}: {entry.base!r} no longer holds {old!r}")
        source = source.replace(old, new)
    if "torch." in source and "import torch" not in source:
        source = f"import torch\n\n{source}"
    return _run(entry.component, entry.id, f"{entry.base}: {'; '.join(entry.changes)}", source)


def _written(entry: _Entry, text: str, number: int) -> KnownAnswer:
    name = getattr(entry.answer, "__name__", str(number))
    return KnownAnswer(entry.component, entry.id, name, entry.answer, _source(entry, text, number))


def _source(entry: _Entry, text: str, number: int) -> str:
    """A solution cell that holds the answer with what it needs, under its component's name."""
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if not _imports_registry(node) and not _calls_edits(node)]
    name = getattr(entry.answer, "__name__", "")
    if any(getattr(node, "name", None) == name for node in tree.body):
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                node.decorator_list = [decorator for decorator in node.decorator_list if not _registers(decorator)]
        source = _needed([ast.unparse(tree)], name)
        return source if name == entry.component else f"{source}\n\n{entry.component} = {name}"
    # Made by a function of the file: the whole file, with a registry of its own.
    registry = (
        "_answers = []\n\n\ndef misconception(component, id):\n    return lambda answer: (_answers.append(answer), answer)[1]"
    )
    others = "\n".join(f"{word} = misconception" for word in sorted(_REGISTERS - {"misconception"}))
    return f"{registry}\n\n\n{others}\n\n{ast.unparse(tree)}\n\n{entry.component} = _answers[{number}]"


def _needed(cells: list[str], name: str) -> str:
    statements, _ = Sources(cells).needed(name)
    return "\n\n".join(statement.text for statement in statements)


def _imports_registry(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder")


def _calls_edits(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"edits", "borrowed"}


def _registers(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Name) and function.id in _REGISTERS


def _run(component: str, id: str, title: str, source: str) -> KnownAnswer:
    """The known answer that a cell's source makes."""
    place = f"<{component}, {title}>"
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    namespace: dict = {"__name__": f"known_{component}"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, place, "exec"), namespace)
    return KnownAnswer(component, id, title, namespace[component], source)

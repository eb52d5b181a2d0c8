"""From the cells of a notebook to the few statements that one name needs.

Cells are read as syntax trees, so nothing is run here. Of every top-level statement it is known which names it binds,
which it reads when it is run, and which the functions in it read when they are called. `Sources.needed` follows these.
"""

import ast
import builtins
import inspect
import linecache
import symtable
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_RUN_THEIR_BODY = {"time", "capture", "prun"}  # magics that run code in the notebook's own namespace
_COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}
_OF_EVERY_MODULE = {"__name__", "__file__", "__doc__", "__builtins__"}


@dataclass(frozen=True)
class Statement:
    """A top-level statement; an import of several names counts as several."""

    text: str
    binds: frozenset[str] = frozenset()
    reads_now: frozenset[str] = frozenset()
    reads_later: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()  # names whose object gets an attribute or an item
    is_import: bool = False
    cell: str = ""

    @property
    def meaning(self) -> str:
        """The statement without its comments and layout, for comparison."""
        return ast.dump(ast.parse(self.text))


class Sources:
    """All statements of `cells`, texts in the order in which they were run."""

    def __init__(self, cells: Iterable[str], namespace: Mapping[str, Any] | None = None) -> None:
        self._namespace = namespace or {}
        self.statements = [statement for cell in cells for statement in _statements(cell)]
        self._bindings: dict[str, list[int]] = {}
        for index, statement in enumerate(self.statements):
            for name in statement.binds:
                self._bindings.setdefault(name, []).append(index)

    def binds(self, name: str) -> bool:
        """Whether a statement binds `name`."""
        return name in self._bindings

    def needed(self, name: str, imports: Mapping[str, str] | None = None) -> tuple[list[Statement], list[str]]:
        """(statements in the order in which they were run, names that could not be found) to have `name` elsewhere.

        `imports` maps names to the import that stands for them there: nothing behind these is followed.
        """
        walk = _Walk(self, imports or {})
        walk.need(name, None)
        walk.follow_changes()
        found = {missing: self._elsewhere(missing) for missing in sorted(walk.missing)}
        imported = [walk.imported[name] for name in sorted(walk.imported)]
        given = imported + [source for source in found.values() if source]
        front = [statement for source in given for statement in _statements(source)]
        future = [statement for statement in self.statements if statement.text.startswith("from __future__")][:1]
        chosen = [self.statements[index] for index in sorted(walk.chosen)]
        # A name that is unknown in the notebook as well is never read: it ran without it.
        lost = [missing for missing, source in found.items() if source is None and missing in self._namespace]
        return future + front + chosen, lost

    def last(self, name: str, before: int | None = None) -> int | None:
        """Index of the statement that `name` comes from, or from which it came before statement `before`; None if unknown."""
        everywhere = self._bindings.get(name, [])
        if before is not None:
            earlier = [index for index in everywhere if index < before]
            return earlier[-1] if earlier else self.last(name)
        if not everywhere:
            return None
        cell = _cell_of(self._namespace.get(name))
        same = [index for index in everywhere if cell and self.statements[index].cell.strip() == cell]
        return (same or everywhere)[-1]

    def _elsewhere(self, name: str) -> str | None:
        """An import or a constant for a name that no statement binds by itself, or None."""
        for statement in self.statements:
            if statement.is_import and statement.text.endswith("import *"):
                module = statement.text.removeprefix("from ").removesuffix(" import *")
                if hasattr(sys.modules.get(module), name):
                    return statement.text
        value = self._namespace.get(name)
        if inspect.ismodule(value):
            return f"import {value.__name__} as {name}"
        home = sys.modules.get(getattr(value, "__module__", ""))
        known_as = getattr(value, "__name__", None)
        if home is not None and home.__name__ != "__main__" and getattr(home, str(known_as), None) is value:
            return f"from {home.__name__} import {known_as} as {name}"
        if isinstance(value, (bool, int, float, str, bytes)):
            return f"{name} = {value!r}"
        return None


class _Walk:
    """Follows what a name needs through the statements."""

    def __init__(self, sources: Sources, imports: Mapping[str, str]) -> None:
        self.sources, self._imports = sources, imports
        self.chosen: set[int] = set()
        self.missing: set[str] = set()
        self.imported: dict[str, str] = {}
        self._seen: set[tuple[int, int | None]] = set()

    def need(self, name: str, before: int | None) -> None:
        """`name` as it was before statement `before` ran; as it is in the end where that is None."""
        if name in self._imports:
            self.imported[name] = self._imports[name]
            return
        index = self.sources.last(name, before)
        if index is not None:
            self._take(index, before)
        elif not hasattr(builtins, name) and name not in _OF_EVERY_MODULE:
            self.missing.add(name)

    def _take(self, index: int, before: int | None) -> None:
        if (index, before) in self._seen:
            return
        self._seen.add((index, before))
        self.chosen.add(index)
        statement = self.sources.statements[index]
        for name in statement.reads_now:
            self.need(name, index)
        for name in statement.reads_later:
            self.need(name, None)
            if before is not None:  # a function that may be called while statement `before` runs
                self.need(name, before)

    def follow_changes(self) -> None:
        """Takes the statements that add to what was taken, such as `Block.forward = forward`, until there are no more."""
        while True:
            own = [(index, self.sources.statements[index]) for index in sorted(self.chosen)]
            first = {name: index for index, statement in own[::-1] if not statement.is_import for name in statement.binds}
            more = [
                index
                for index, statement in enumerate(self.sources.statements)
                if index not in self.chosen and any(first.get(name, index) < index for name in statement.changes)
            ]
            if not more:
                return
            for index in more:
                self._take(index, index)


def _statements(cell: str) -> Iterator[Statement]:
    """The statements of one cell; none where it is no Python."""
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")  # the lines that `ast` counts
    tree = _parsed(cell)
    if tree is None:
        cell = _without_magics(cell)
        tree = _parsed(cell)
    if tree is None:
        return
    lines = cell.split("\n")
    for node in tree.body:
        inner = _magic_body(node)
        if inner is not None:
            yield from _statements(inner)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _imports(node, cell)
        else:
            yield from _statement(node, tree.body, lines, cell)


def _parsed(cell: str) -> ast.Module | None:
    try:
        return ast.parse(cell)
    except (SyntaxError, ValueError):  # a ValueError for a null byte
        return None


def _without_magics(cell: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(cell)


def _magic_body(node: ast.stmt) -> str | None:
    """The code inside `%%time` and the like, after IPython has turned it into a call."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return None
    constants = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    words = [constant for constant in constants if isinstance(constant, str)]
    if call.func.attr not in ("run_cell_magic", "run_line_magic") or not words or words[0] not in _RUN_THEIR_BODY:
        return None
    return words[-1]


def _imports(node: ast.Import | ast.ImportFrom, cell: str) -> Iterator[Statement]:
    for alias in node.names:
        single = type(node)(**{field: getattr(node, field) for field in node._fields if field != "names"}, names=[alias])
        name = alias.asname or alias.name.split(".")[0]
        binds = frozenset() if alias.name == "*" else frozenset([name])
        yield Statement(ast.unparse(single), binds, is_import=True, cell=cell)


def _statement(node: ast.stmt, neighbours: Sequence[ast.stmt], lines: list[str], cell: str) -> Iterator[Statement]:
    text = _text(node, neighbours, lines)
    try:
        table = symtable.symtable(text, "cell", "exec")
    except SyntaxError:  # an `await` outside a function, which only a notebook understands
        return
    binds = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    now: set[str] = set()
    later: set[str] = set()
    _collect_reads(table, now, later, deferred=False)
    changes: set[str] = set()
    for part in _same_scope(node):
        if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
            now.add(part.target.id)
        if isinstance(part, (ast.Attribute, ast.Subscript)) and isinstance(part.ctx, (ast.Store, ast.Del)):
            root: ast.expr = part
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            if isinstance(root, ast.Name):
                changes.add(root.id)
    if binds or changes:
        yield Statement(text, frozenset(binds), frozenset(now), frozenset(later), frozenset(changes), cell=cell)


def _text(node: ast.stmt, neighbours: Sequence[ast.stmt], lines: list[str]) -> str:
    """The lines of a statement with its decorators and the comment right above it."""
    start = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    end = node.end_lineno or start
    if any(other is not node and other.lineno <= end and (other.end_lineno or start) >= start for other in neighbours):
        return ast.unparse(node)
    above = start - 1
    while above and lines[above - 1].startswith("#"):
        above -= 1
    return "\n".join(lines[above:end])


def _collect_reads(table: symtable.SymbolTable, now: set[str], later: set[str], deferred: bool) -> None:
    for symbol in table.get_symbols():
        outside = table.get_type() == "module" or symbol.is_global()
        if outside and (symbol.is_referenced() or table.get_type() != "module"):
            (later if deferred else now).add(symbol.get_name())
    for child in table.get_children():
        is_body = child.get_type() == "function" and child.get_name() not in _COMPREHENSIONS
        _collect_reads(child, now, later, deferred or is_body)


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and what lies in it, without the bodies of functions and classes."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _same_scope(child)


def _cell_of(value: Any) -> str | None:
    """The text of the cell that a function or class was defined in, as the interpreter remembers it, or None."""
    value = inspect.unwrap(value) if callable(value) else value
    if inspect.isclass(value):
        functions = [part for part in vars(value).values() if inspect.isfunction(part)]
        value = next((part for part in functions if part.__module__ == value.__module__), None)
    code = getattr(value, "__code__", None)
    return "".join(linecache.getlines(code.co_filename)).strip() or None if code else None

"""Writes a module of `my_transformer/`: all components of one chapter that passed, in the learner's own words.

The module itself is the only record: what belongs to a component is read from its text each time. Components share the
helpers that are the same for both. Where two need different versions of a name, one of them moves, with everything that
it needs, to a module of its own (`attention_mechanism_softmax.py`), and the chapter's module imports it from there: the
newer one stays, unless it has a version of its own of the other component.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence

from utils.manifest import Chapter
from utils.sources import Sources, Statement

_WIDE = 100


def file_name(chapter: Chapter, component: str | None = None) -> str:
    """Of the chapter's module, or of the module of a component that stands apart."""
    return f"{chapter.name}_{component}.py" if component else f"{chapter.name}.py"


def files(chapter: Chapter, component: str, needed: list[Statement], old: str = "") -> dict[str, str]:
    """{file name: text} after `component`, which needs the statements `needed`, joins a chapter's module of text `old`.

    `chapter` is the manifest's. Only the module of the chapter and those that stand apart anew are named.
    """
    before = Sources([old])
    others = [exercise.id for exercise in chapter.exercises if exercise.id != component and before.binds(exercise.id)]
    sections = {other: before.needed(other)[0] for other in others}
    apart: dict[str, list[Statement]] = {}

    def move(name: str, statements: list[Statement]) -> list[Statement]:
        apart[name] = statements
        return Sources([_import(chapter, name)]).statements

    names = _bindings(needed)
    if any(other in names and _differ(needed, section) for other, section in sections.items()):
        needed = move(component, needed)
    for other, section in sections.items():
        if _differ(needed, section):
            sections[other] = move(other, section)
    sections[component] = needed
    ordered = [sections[exercise.id] for exercise in chapter.exercises if exercise.id in sections]
    texts = {file_name(chapter): _render(_title(chapter, sections), _joined(ordered))}
    for name, statements in apart.items():
        texts[file_name(chapter, name)] = _render(_title(chapter, [name]), statements)
    return texts


def text_of(statements: Sequence[Statement]) -> str:
    """A module's text of these statements alone."""
    return _render("", statements)


def no_longer_used(chapter: Chapter, text: str) -> list[str]:
    """Names of modules that stood apart once and that the chapter's module of this text does not import."""
    lines = {statement.text for statement in Sources([text]).statements}
    components = [exercise.id for exercise in chapter.exercises]
    return [file_name(chapter, name) for name in components if _import(chapter, name) not in lines]


def _import(chapter: Chapter, name: str) -> str:
    return f"from my_transformer.{file_name(chapter, name).removesuffix('.py')} import {name}"


def _bindings(statements: Iterable[Statement]) -> dict[str, list[str]]:
    """Name -> the meanings of the statements that bind or change it, in order."""
    found: dict[str, list[str]] = {}
    for statement in statements:
        for name in statement.binds | statement.changes:
            found.setdefault(name, []).append(statement.meaning)
    return found


def _differ(some: Iterable[Statement], others: Iterable[Statement]) -> bool:
    mine, theirs = _bindings(some), _bindings(others)
    return any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys())


def _joined(sections: Iterable[list[Statement]]) -> list[Statement]:
    """The statements of all sections, without those that an earlier section brought already."""
    joined: list[Statement] = []
    seen: set[str] = set()
    for section in sections:
        joined += [statement for statement in section if statement.meaning not in seen]
        seen.update(statement.meaning for statement in section)
    return joined


def _title(chapter: Chapter, names: Collection[str]) -> str:
    ordered = ", ".join(exercise.id for exercise in chapter.exercises if exercise.id in names)
    return (
        f'"""Chapter {chapter.id[:2]}, {chapter.title}, in your own words: {ordered}.\n\n'
        "Saved by `check` from your notebook when all checks passed, and written anew when they pass again:\n"
        "change the notebook, and put what you add into a file of your own.\n"
        '"""'
    )


def _render(title: str, statements: Sequence[Statement]) -> str:
    fixed = {name for statement in statements if not statement.is_import for name in statement.binds}
    imports = [statement for statement in statements if statement.is_import and not statement.binds & fixed]
    text = "\n\n".join(part for part in (title, "\n".join(_import_lines(imports))) if part)
    was_short = False
    for statement in statements:
        if statement not in imports:
            short = sum(not line.startswith("#") for line in statement.text.split("\n")) == 1
            text += ("\n" if short and was_short else "\n\n\n") + statement.text
            was_short = short
    return text.lstrip("\n") + "\n"


def _import_lines(imports: Iterable[Statement]) -> Iterator[str]:
    """One line for each module; a star stands before the names that may replace what it brings."""
    grouped: dict[tuple[bool, bool, bool, str], list[str]] = {}
    for statement in imports:
        is_from = isinstance(ast.parse(statement.text).body[0], ast.ImportFrom)
        start, _, name = statement.text.partition(" import ") if is_from else (statement.text, "", "")
        names = grouped.setdefault((start != "from __future__", name != "*", is_from, start), [])
        if name not in names:
            names.append(name)
    for (_, _, is_from, start), names in sorted(grouped.items()):
        line = f"{start} import {', '.join(names)}" if is_from else start
        wrapped = "".join(f"\n    {name}," for name in names if is_from)
        yield line if len(line) <= _WIDE else f"{start} import ({wrapped}\n)"

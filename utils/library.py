"""The learner's own library: `my.attention` is theirs where it passed its checks, else the reference.

What passed is saved by `check` in `my_transformer/`, a package beside the chapter folders with one module a chapter,
which plain Python can import too. Under grading `my` gives the reference alone; while notebooks are built it gives what
passed in this kernel, else the reference, and in both nothing is read or written there.
"""

import contextlib
import functools
import importlib
import io
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from utils import chapter_module, session
from utils.manifest import Chapter, near
from utils.sources import Sources, Statement

PACKAGE = "my_transformer"
_passed: dict[str, Callable[..., Any]] = {}  # name -> the learner's object that passed its checks in this kernel
_loaded: dict[Path, int] = {}  # path of a chapter's module -> when the version that is loaded here was written, in nanoseconds


class My:
    """`my.NAME`: a component, the learner's own where it passed, else the reference's. Says once which it is."""

    def __init__(self) -> None:
        self._given: list[tuple[str, Callable[..., Any]]] = []
        self._said: dict[str, str] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        from utils import reference

        if name.startswith("_"):
            raise AttributeError(name)
        if name not in reference.COMPONENTS:
            meant = ", ".join(near(name, reference.COMPONENTS) or reference.COMPONENTS)
            raise AttributeError(f"the course has no component {name!r}: did you mean {meant}?")
        found, words = self._find(name)
        if self._said.get(name) != words:
            self._said[name] = words
            print(f"{name}: {words}")
        if found is None:
            return reference.COMPONENTS[name]
        self._given.append((name, found))
        return found

    def __dir__(self) -> list[str]:
        from utils import reference

        return list(reference.COMPONENTS)

    def gave(self, name: str, value: object) -> bool:
        """Whether `value` is a component of the learner's that `my.NAME` gave."""
        return any(given is value for known, given in self._given if known == name)

    def _find(self, name: str) -> tuple[Callable[..., Any] | None, str]:
        if session.grading():
            return None, "the reference"
        if name in _passed:
            return _passed[name], "yours, from this notebook"
        if session.building():
            return None, "the reference"
        where = _chapter_of(name)
        if where is not None:
            file = f"{PACKAGE}/{chapter_module.file_name(where)}"
            saved, problem = _saved(name, where)
            if problem:
                return None, f"the reference ({file} does not import: {problem})"
            if saved is not None:
                return saved, f"yours, from {file}"
        return None, "the reference (yours has not passed its checks yet)"


my = My()


def whose(name: str) -> str:
    """Whose component `my.NAME` is, in words: "yours, from …" or "the reference …"."""
    return my._find(name)[1]


def passed(name: str, value: Callable[..., Any]) -> None:
    """Notes that the learner's `value` passed all checks of `name` in this kernel: `my.NAME` is this from now on."""
    _passed[name] = value


def begin() -> None:
    """Makes `my_transformer` importable: the learner's own, under grading the reference's components."""
    if session.grading():
        if getattr(sys.modules.get(PACKAGE), "__doc__", None) != _REFERENCE:
            give_reference()
    elif not session.building() and PACKAGE not in sys.modules and (home := folder()) is not None and home.is_dir():
        _open_package(home)


_REFERENCE = "Under grading: the reference's components."


def give_reference() -> None:
    """Lets `from my_transformer import …` and `from my_transformer.CHAPTER import …` give the reference's components."""
    _drop()
    sys.modules.update(reference_modules())


@functools.cache
def reference_modules() -> dict[str, types.ModuleType]:
    """{name: module}: `my_transformer` and one for each chapter, with the reference's components in them."""
    from utils import reference
    from utils.manifest import load

    names = {PACKAGE: list(reference.COMPONENTS)}
    for chapter in load().chapters:
        names[f"{PACKAGE}.{chapter.name}"] = [e.id for e in chapter.exercises if e.id in reference.COMPONENTS]
    made = {name: types.ModuleType(name, _REFERENCE) for name in names}
    for name, components in names.items():
        vars(made[name]).update({component: reference.COMPONENTS[component] for component in components})
    made[PACKAGE].__path__ = []
    vars(made[PACKAGE]).update({name.partition(".")[2]: module for name, module in made.items() if "." in name})
    return made


def folder() -> Path | None:
    """The learner's `my_transformer/`, there or not: beside the chapter folders, or in `COURSE_LIBRARY`.

    None outside a chapter folder.
    """
    from utils.manifest import load

    given = os.environ.get("COURSE_LIBRARY")
    if given:
        return Path(given).resolve() / PACKAGE
    chapters = {chapter.id for chapter in load().chapters}
    started = session.started_in()
    return started.parent / PACKAGE if started.name in chapters else None


def keep(name: str, cells: Iterable[str], namespace: Mapping[str, Any], passes: Callable[[Any], bool]) -> Path | None:
    """Saves the learner's component `name` with all that it needs, and says so in a line.

    `cells` are the texts of the cells in the order in which they were run, `namespace` the names as they stand now.
    Earlier components are imported: from `my_transformer` where they were saved, else from the reference. A component that
    the learner wrote anew without passing its checks is copied like any helper, unless only the reference's makes the saved
    answer pass: `passes(answer)` says whether one does. Returns the path of the chapter's module, or None when nothing was
    saved.
    """
    where, home = _chapter_of(name), folder()
    if session.grading() or session.building() or where is None:
        return None
    if home is None:
        if session.in_ipython():
            print(
                f"{name} passed, but it was not saved in {PACKAGE}/: this kernel was started in {session.started_in()}, "
                f"and not in the folder {where.id} in which `course.py lab` opens the notebook."
            )
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a learner's "\d" is none of the check cell's business
        sources = Sources(cells, namespace)
        problem: str | None = "no cell of this notebook defines it"
        for imports, doubtful in _ways(name, where, sources, namespace):
            needed, lost = sources.needed(name, imports)
            needed = _with_own(needed, where, home)
            problem = _problem(name, needed, home, passes if doubtful or lost else None)
            if problem is None:
                return _write(name, where, needed, home)
            if lost:
                problem = f"no cell defines {' and '.join(lost)}"
    print(f"{name} passed, but it could not be saved in {PACKAGE}/: {problem}.")
    return None


def _ways(name: str, where: Chapter, sources: Sources, namespace: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], bool]]:
    """Pairs (imports for earlier components, whether the result must be checked again), the likeliest first."""
    from utils import reference

    if not sources.binds(name):
        return
    imports: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    for other, stand_in in reference.COMPONENTS.items():
        if other == name or other not in namespace:
            continue
        value, home = namespace[other], _chapter_of(other)
        if _passed.get(other) is value:  # written in this notebook, whatever `my` gave since: its own cell is copied
            if home is not None and home.id != where.id:
                imports[other] = _import_of(other, home, where)
        elif value is stand_in or my.gave(other, value):
            imports[other] = _import_of(other, home, where)
        else:
            doubtful[other] = _import_of(other, home, where)
    used = {n for statement in sources.needed(name, imports)[0] for n in statement.binds}
    doubtful = {other: line for other, line in doubtful.items() if other in used}
    yield imports, bool(doubtful)
    if doubtful:
        yield imports | doubtful, True


def _import_of(name: str, home: Chapter | None, where: Chapter) -> str:
    """The line that brings an earlier component: the learner's saved one, else the reference's."""
    if home is not None and _saved(name, home)[0] is not None:
        return f"from {PACKAGE}.{home.name} import {name}"
    return f"from utils.reference import {name}"


def _with_own(needed: list[Statement], where: Chapter, home: Path) -> list[Statement]:
    """A chapter's module does not import from itself: what it has already is taken over from its text."""
    start = f"from {PACKAGE}.{where.name} import "
    saved = Sources([_text(home / chapter_module.file_name(where))])
    taken: list[Statement] = []
    for statement in needed:
        own = statement.is_import and statement.text.startswith(start)
        taken += saved.needed(statement.text.removeprefix(start).split(" ")[0])[0] if own else [statement]
    return taken


def _problem(name: str, needed: list[Statement], home: Path, passes: Callable[[Any], bool] | None) -> str | None:
    """Why the saved component would not do, or None; where `passes` is given, it is asked too."""
    _open_package(home)
    module = types.ModuleType(f"{PACKAGE}.{name}")
    code = chapter_module.text_of(needed)
    problem = _error_of(lambda: exec(compile(code, f"<{name} as saved>", "exec"), vars(module)))
    if problem or passes is None:
        return problem

    return None if passes(getattr(module, name)) else "it passes its checks only in this notebook"


def _write(name: str, where: Chapter, needed: list[Statement], home: Path) -> Path | None:
    path = home / chapter_module.file_name(where)
    old = _text(path)
    texts = chapter_module.files(where, name, needed, old)
    if old == texts[path.name]:
        return path
    try:
        home.mkdir(parents=True, exist_ok=True)
        if old and not Sources([old]).statements:
            _replace(path.with_suffix(".py.bak"), old)
            print(f"{PACKAGE}/{path.name} was no Python any more: what stood there is in {path.name}.bak now.")
        for file, text in sorted(texts.items(), key=lambda item: item[0] == path.name):  # the chapter's module last
            _replace(home / file, text)
        for file in chapter_module.no_longer_used(where, texts[path.name]):
            (home / file).unlink(missing_ok=True)
        _replace(home / "__init__.py", _contents(home))
    except OSError as error:
        print(f"{name} passed, but it could not be saved in {PACKAGE}/: {error.strerror}.")
        return None
    _forget()
    print(f"{name} is now part of your own library: {PACKAGE}/{path.name}")
    return path


def _replace(path: Path, text: str) -> None:
    """Writes a whole file or nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _contents(home: Path) -> str:
    from utils.manifest import load

    lines = ['"""Your own transformer library, saved by `check` from your notebooks.', ""]
    for chapter in load().chapters:
        bound = Sources([_text(home / chapter_module.file_name(chapter))])
        names = [exercise.id for exercise in chapter.exercises if bound.binds(exercise.id)]
        lines += [f"    from {PACKAGE}.{chapter.name} import {', '.join(names)}"] if names else []
    return "\n".join([*lines, '"""', ""])


def _saved(name: str, chapter: Chapter) -> tuple[Callable[..., Any] | None, str | None]:
    """(the saved component or None, why its module does not import or None)."""
    home = folder()
    if home is None or not (path := home / chapter_module.file_name(chapter)).exists():
        return None, None
    written = path.stat().st_mtime_ns
    if _loaded.get(path) != written:  # another notebook has saved something since
        _forget()
        _loaded[path] = written
    _open_package(home)
    problem = _error_of(lambda: importlib.import_module(f"{PACKAGE}.{chapter.name}"))
    return getattr(sys.modules.get(f"{PACKAGE}.{chapter.name}"), name, None), problem


def _open_package(home: Path) -> None:
    """Makes `my_transformer` importable from the learner's folder, whatever stands on `sys.path`."""
    loaded = sys.modules.get(PACKAGE)
    if loaded is None or list(loaded.__path__) != [str(home)]:
        _forget()
        spec = spec_from_file_location(PACKAGE, home / "__init__.py", submodule_search_locations=[str(home)])
        assert spec is not None  # the name of a Python file always makes one
        sys.modules[PACKAGE] = module_from_spec(spec)


def _error_of(run: Callable[[], object]) -> str | None:
    """Runs a learner's module in silence: None, or what it raised, in words."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run()
    except (Exception, SystemExit) as error:  # noqa: BLE001  a learner's module may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def _forget() -> None:
    """Lets the saved modules be imported afresh."""
    _drop()
    importlib.invalidate_caches()


def _drop() -> None:
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        if name.split(".")[0] == PACKAGE:
            del sys.modules[name]


def _chapter_of(name: str) -> Chapter | None:
    """The manifest's chapter that has the component, or None."""
    from utils.manifest import load

    return next((c for c in load().chapters for exercise in c.exercises if exercise.id == name), None)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

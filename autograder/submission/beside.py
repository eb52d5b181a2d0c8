"""What lies beside an answer and goes with it: the files of a notebook's folder, what a plain Python file imports or names."""

import ast
import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.submission.handed_in import plain_size

_LEFT_OUT = {".ipynb_checkpoints", "__pycache__", ".git", ".venv", "node_modules", "my_transformer"}
_LONGEST_NAME = 255  # bytes, of a whole path: a file system takes as many for one part of it
_MOST_FILES, _MOST_LOOKS, _MOST_BYTES = 500, 20_000, 64 * 2**20


def beside_notebook(folder: Path) -> dict[str, Path]:
    """The files of a notebook's folder by their relative paths, such as a learner's helper.py; no other notebooks."""
    return _bounded(folder, (path for path in _walk(folder) if path.suffix != ".ipynb"))


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a folder, under their relative paths; what was there under the same name is replaced."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # it may be read-only
        path.write_bytes(data)


def are_few(files: Mapping[str, bytes]) -> bool:
    """Whether files are no more, and no more bytes, than may lie beside a notebook."""
    return len(files) <= _MOST_FILES and sum(map(len, files.values())) <= _MOST_BYTES


def may_return(name: str) -> bool:
    """Whether a file under this relative path, which a learner's code may have made up, may lie beside a graded notebook.

    It has to stay in that folder, and to be neither hidden, nor a notebook, nor what says when the work was handed in.
    """
    leads_elsewhere = {"", ".", ".."} & set(name.split("/")) or {"\0", "\\"} & set(name)
    is_taken = name.startswith(".") or name.endswith(".ipynb") or name == "timestamp.txt"
    return not leads_elsewhere and not is_taken and len(name.encode("utf-8", "replace")) <= _LONGEST_NAME


def beside_file(path: Path) -> dict[str, Path]:
    """A Python file and, of what lies beside it, what it imports or names in a string, and what that imports in turn."""
    folder = path.resolve().parent
    todo, found = [path.resolve()], [path.resolve()]
    while todo and len(found) < _MOST_FILES:
        for name in _names(todo.pop()):
            new = [each for each in _called(folder, name) if each not in found]
            found += new
            todo += [each for each in new if each.suffix == ".py"]
    return _bounded(folder, iter(found))


def _names(path: Path) -> set[str]:
    """What a Python file imports (the first part of each name), and its strings."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return set()
    names = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names |= {(node.module or "").split(".")[0], *(alias.name for alias in node.names if not node.module)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 200:
            names.add(node.value.split("/")[0])
    return names - {"", ".", ".."}


def _called(folder: Path, name: str) -> Iterator[Path]:
    if "\0" in name:
        return
    for path in (folder / name, folder / f"{name}.py"):
        if path.parent == folder and path.is_dir():
            yield from _walk(path)
        elif path.parent == folder and path.is_file():
            yield path


def _walk(folder: Path) -> Iterator[Path]:
    looked = 0
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in _LEFT_OUT)
        for name in sorted(files):
            looked += 1
            if looked > _MOST_LOOKS:
                return
            yield Path(here, name)


def _bounded(folder: Path, paths: Iterator[Path]) -> dict[str, Path]:
    room, kept = _MOST_BYTES, {}
    for path in itertools.islice(paths, _MOST_FILES):
        size = plain_size(path)
        if size is None or size > room:
            continue
        room -= size
        kept[path.relative_to(folder).as_posix()] = path
    return kept

"""From the bytes of a notebook, whoever saved them, to cells: what other editors add is left out, what they break is mended."""

import itertools
import json
import re
import uuid
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.submission.handed_in import NotGradable, check_file
from utils.manifest import load

_ID = re.compile(r"[a-zA-Z0-9-_]{1,64}")
_KINDS = ("code", "markdown", "raw")
_MOST_CHARACTERS = 1_000_000  # of one cell


def read(path: Path) -> NotebookNode:
    """The notebook at `path`: valid, in nbformat's version 4.5, without outputs. Raises `NotGradable`."""
    check_file(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotGradable(f"The file cannot be read ({error.strerror}).") from None
    return parse(data)


def parse(data: bytes) -> NotebookNode:
    """The notebook that `data` holds, as `read` gives it. Raises `NotGradable`."""
    text = _text(data)
    if not text.strip():
        raise NotGradable("The file is empty: save the notebook in JupyterLab and hand it in again.")
    try:
        return _clean(_version_4(json.loads(text)))
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise NotGradable(f"This is not a readable notebook ({reason}): save it in JupyterLab and hand it in again.") from None


def chapter_of(path: Path, notebook: NotebookNode) -> str:
    """The chapter that a notebook belongs to: by its file's name, else by its exercises. Raises `NotGradable`."""
    chapters = load().chapters
    named = [chapter.id for chapter in chapters if path.stem == chapter.id]
    if named:
        return named[0]
    ids = {id for cell in notebook.cells for id in (grade_id(cell), cell.id)}
    found = [chapter.id for chapter in chapters if ids & {exercise.id for exercise in chapter.exercises}]
    if len(found) != 1:
        raise NotGradable("This notebook has no exercise of this course: hand in the chapter's own notebook, under its name.")
    return found[0]


def marks(cell: NotebookNode) -> dict[str, Any]:
    """nbgrader's metadata of a cell; empty where it has none."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def grade_id(cell: NotebookNode) -> str | None:
    """nbgrader's id of a cell, if it has one."""
    found = marks(cell).get("grade_id")
    return found if isinstance(found, str) else None


def plain_cell(kind: str, source: str) -> NotebookNode:
    """A cell without any metadata. (nbformat's own makers hold each cell against the schema, which whole notebooks are.)"""
    cell = NotebookNode(id=uuid.uuid4().hex[:8], cell_type=kind, source=source, metadata=NotebookNode())
    if kind == "code":
        cell.update(outputs=[], execution_count=None)
    return cell


def _text(data: bytes) -> str:
    """Text as editors save it: UTF-8 with or without a mark at its start, or UTF-16 with one."""
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        raise NotGradable(
            "This is not a text file, and so not a notebook: hand in the .ipynb file that JupyterLab saved."
        ) from None


def _version_4(loaded: Any) -> dict[str, Any]:
    if not isinstance(loaded, dict):
        raise ValueError("it holds no notebook")
    version = loaded.get("nbformat", 4)
    if version in (1, 2, 3):
        return nbformat.convert(nbformat.from_dict(loaded), 4)
    if version != 4:
        raise ValueError(f"its format is {version!r}, and 4 is the latest that is known")
    if not isinstance(loaded.get("cells"), list):
        raise ValueError("it has no list of cells")
    return loaded


def _clean(loaded: dict[str, Any]) -> NotebookNode:
    """What of a notebook is made anew here is valid: it is not held against the schema, which takes as long as all the rest."""
    notebook = nbformat.v4.new_notebook()
    taken: set[str] = set()
    for number, raw in enumerate(loaded["cells"]):
        if isinstance(raw, dict):
            cell = _clean_cell(raw)
            wanted = raw.get("id")
            fits = isinstance(wanted, str) and _ID.fullmatch(wanted) and wanted not in taken
            cell.id = wanted if fits else next(id for id in _names(number) if id not in taken)
            taken.add(cell.id)
            notebook.cells.append(cell)
    return notebook


def _names(number: int) -> Iterator[str]:
    """Names for a cell without one, for which the schema of notebooks asks."""
    yield f"unnamed-{number}"
    yield from (f"unnamed-{number}-{again}" for again in itertools.count(2))


def _clean_cell(raw: dict[str, Any]) -> NotebookNode:
    kind = raw["cell_type"] if raw.get("cell_type") in _KINDS else "raw"
    source = raw.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    source = source if isinstance(source, str) else ""
    if len(source) > _MOST_CHARACTERS:
        raise ValueError(f"one of its cells has {len(source):,} characters")
    cell = plain_cell(kind, _whole(source).replace("\r\n", "\n").replace("\r", "\n"))
    metadata = raw.get("metadata")
    found = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if isinstance(found, dict) and isinstance(found.get("grade_id"), str):
        cell.metadata["nbgrader"] = nbformat.from_dict({"grade_id": found["grade_id"]})
    pictures = _attachments(raw.get("attachments"))
    if kind == "markdown" and pictures:
        cell["attachments"] = nbformat.from_dict(pictures)
    return cell


def _attachments(found: Any) -> dict[str, dict[str, str]]:
    """The pictures that a learner pasted into a text; what is none is left out."""
    if not isinstance(found, dict):
        return {}
    kept = {}
    for name, bundle in found.items():
        if isinstance(name, str) and isinstance(bundle, dict):
            parts = {kind: data if isinstance(data, list) else [data] for kind, data in bundle.items()}
            texts = {kind: each for kind, each in parts.items() if all(isinstance(part, str) for part in each)}
            kept[_whole(name)] = {kind: "".join(each) for kind, each in texts.items()}
    return kept


def _whole(text: str) -> str:
    """The text with halves of surrogate pairs, which no file can hold, exchanged for the sign for "unknown"."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def once(path: Path) -> NotebookNode:
    """A notebook of the course's own, read once for as long as its file stays as it is. All get the same: none may change it."""
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, *state: int) -> NotebookNode:
    return nbformat.read(path, as_version=4)

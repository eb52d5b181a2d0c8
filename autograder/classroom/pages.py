"""What a submission puts on the pages of formgrader and of feedback: text and pictures, and nothing that runs there.

Those pages stand in a teacher's browser, signed in, so a learner's HTML would act as the teacher.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import mistune
import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.submission.reading import grade_id, marks, once
from utils.manifest import load

_PICTURES = ("image/png", "image/jpeg", "image/gif")
_NAME = re.compile(r"[\w .()\[\]-]{1,200}")
_FOR_TEACHERS = "course_for_teachers"  # in a cell's metadata


def safe_outputs(outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outputs of a learner's cell without HTML, SVG and scripts: each has a text beside it, and pictures stay."""
    return [{**output, "data": _safe_data(output["data"]), "metadata": {}} if "data" in output else output for output in outputs]


def _safe_data(data: dict[str, Any]) -> dict[str, Any]:
    kept = {kind: data[kind] for kind in _PICTURES if kind in data and _is_base64(data[kind])}
    return {**kept, "text/plain": data.get("text/plain", "(shown in the learner's notebook, not here)")}


def safe_cell(cell: NotebookNode) -> None:
    """Makes a learner's text harmless in place: HTML in it is shown as it was typed, and of attachments only pictures stay."""
    if cell.cell_type == "raw":
        cell.cell_type, cell.source = "markdown", _as_typed(cell.source)
    if cell.cell_type != "markdown":
        return
    attached = {name: _pictures(bundle) for name, bundle in cell.pop("attachments", {}).items() if _NAME.fullmatch(name)}
    attached = {name: bundle for name, bundle in attached.items() if bundle}
    cell.source = safe_markdown(cell.source, attached)
    if attached:
        cell["attachments"] = nbformat.from_dict(attached)


def safe_markdown(source: str, attached: Iterable[str] = ()) -> str:
    """Markdown without HTML, links that run something, and pictures that are not `attached`; at worst the text as typed."""
    safe = (
        re.sub(r"(javascript|vbscript|data)(\s*):", r"\1 :", source, flags=re.IGNORECASE) if _harm(source, attached) else source
    )
    for _ in range(3):  # what was inside an escaped block may be markdown now, with pieces of its own
        for piece in sorted(set(_html(_parse(safe))), key=len, reverse=True):
            safe = safe.replace(piece, html.escape(piece, quote=False))
    lost = {url for url in _urls(_parse(safe)) if _lost(url, attached)}
    for url in lost:
        safe = safe.replace(url, "#not-shown").replace(unquote(url), "#not-shown")
    return _as_typed(source) if _harm(safe, attached) else safe


def _as_typed(source: str) -> str:
    return "\n".join(f"    {line}" for line in source.split("\n"))


def _harm(source: str, attached: Iterable[str]) -> bool:
    tokens = _parse(source)
    runs = any(re.match(r"\W*(javascript|vbscript|data)\s*:", url, re.IGNORECASE) for url in _urls(tokens))
    return runs or any(True for _ in _html(tokens)) or any(_lost(url, attached) for url in _urls(tokens))


def _lost(url: str, attached: Iterable[str]) -> bool:
    """nbconvert makes no page of a notebook that shows an attachment which is not there."""
    return url.startswith("attachment:") and url.removeprefix("attachment:") not in attached


_parse: Any = mistune.create_markdown(renderer=None, plugins=["table", "strikethrough"])


def _html(tokens: Any) -> Iterator[str]:
    for token in tokens:
        if token["type"] in ("block_html", "inline_html"):
            yield token["raw"].strip()
        yield from _html(token.get("children", ()))


def _urls(tokens: Any) -> Iterator[str]:
    for token in tokens:
        if token["type"] in ("link", "image"):
            yield html.unescape(token["attrs"]["url"])
        yield from _urls(token.get("children", ()))


def _pictures(bundle: dict[str, str]) -> dict[str, str]:
    return {kind: data for kind, data in bundle.items() if kind in _PICTURES and _is_base64(data)}


def _is_base64(data: object) -> bool:
    try:
        base64.b64decode("".join(str(data).split()), validate=True)
    except binascii.Error:
        return False
    return True


class ShowRubric(NbGraderPreprocessor):
    """Puts the rubric below the answer that a person marks, for formgrader."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        chapter = resources["nbgrader"]["assignment"]
        if chapter not in {chapter.id for chapter in load().chapters}:
            return nb, resources
        path = load().solution_notebook(chapter)
        rubrics = _rubrics(path, path.stat().st_mtime_ns)
        cells: list[NotebookNode] = []
        for cell in nb.cells:
            cells.append(cell)
            if grade_id(cell) in rubrics and marks(cell).get("solution"):
                shown = nbformat.v4.new_markdown_cell(rubrics[grade_id(cell)])
                shown.metadata[_FOR_TEACHERS] = True
                cells.append(shown)
        nb.cells = cells
        return nb, resources


class HideRubric(NbGraderPreprocessor):
    """Takes out of feedback what is for teachers alone."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        nb.cells = [cell for cell in nb.cells if not cell.metadata.get(_FOR_TEACHERS)]
        return nb, resources


@lru_cache(maxsize=16)
def _rubrics(path: Path, changed: int) -> dict[str | None, str]:
    """{id: rubric} of the cells of a solution notebook that a person marks; read anew where the file has `changed`."""
    by_hand = [cell for cell in once(path).cells if marks(cell).get("grade") and marks(cell).get("solution")]
    return {grade_id(cell): re.sub(r"<!-- (BEGIN|END) SOLUTION -->\n?", "", cell.source).strip() for cell in by_hand}

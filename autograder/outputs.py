"""The outputs of a submission's cells on the judge's side: what is taken of those that came, and what it writes itself.

What has come may be forged. It is taken as far as it is what a notebook can hold, and `course`, the verdict for the report of
the class, is the judge's alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autograder import display
from autograder.display import Card
from autograder.framework.isolation.outputs import UPDATE
from autograder.step import GradedCell, Step

_ENTRIES: dict[Any, dict[str, Any]] = {
    "stream": {"name": str, "text": str},
    "error": {"ename": str, "evalue": str, "traceback": list},
    "display_data": {"data": dict, "metadata": dict},
    "execute_result": {"data": dict, "metadata": dict, "execution_count": int | None},
    UPDATE: {"data": dict, "metadata": dict, "cell": int, "place": int},
}
_MOST_CHARACTERS = 64_000_000  # of what all cells of a submission show
_LEFT_OUT = {"output_type": "stream", "name": "stderr", "text": "(the outputs from here on are left out: they are too large)\n"}


class ShownByCells:
    """The outputs of the cells of one submission as they come."""

    def __init__(self) -> None:
        self._room = _MOST_CHARACTERS

    def take(self, came: Sequence[object], before: Sequence[list[dict]]) -> list[dict]:
        """The outputs of a cell, of what came for it; its updates go to those of the cells `before`."""
        kept: list[dict] = []
        for text in filter(None, map(_plain, came)):
            self._room -= len(text)
            if self._room < 0:
                return [*kept, dict(_LEFT_OUT)]
            output = json.loads(text)
            if output["output_type"] == UPDATE:
                _update(output, before)
            else:
                kept.append(output)
        return kept


def _plain(output: object) -> bytes | None:
    """As JSON an output with the entries that a notebook has for it, None where it has others."""
    kind = output.get("output_type") if isinstance(output, dict) else None
    if not isinstance(output, dict) or not isinstance(kind, str) or kind not in _ENTRIES:
        return None
    kept: dict[str, Any] = {name: output.get(name) for name in _ENTRIES[kind]}
    if not all(isinstance(kept[name], of) for name, of in _ENTRIES[kind].items()) or not _fits(**kept):
        return None
    if "metadata" in kept:
        kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key != "course"}
    try:
        return json.dumps({"output_type": kind, **kept}, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):  # a tensor, say
        return None


def _fits(name: str = "stdout", traceback: Sequence[object] = (), data: dict | None = None, **_: object) -> bool:
    texts = [value for kind, value in (data or {}).items() if not kind.endswith("json")]
    return name in ("stdout", "stderr") and all(isinstance(text, str) for text in [*traceback, *texts])


def _update(update: dict, before: Sequence[list[dict]]) -> None:
    cell, place = update["cell"], update["place"]
    if 0 <= cell < len(before) and 0 <= place < len(before[cell]) and "data" in before[cell][place]:
        before[cell][place].update(data=update["data"], metadata=update["metadata"])


def error(kind: str, words: str) -> dict:
    """The output of a cell that has raised."""
    return {"output_type": "error", "ename": kind, "evalue": words, "traceback": [words]}


def is_error(output: dict) -> bool:
    """Whether an output shows that a cell has raised."""
    return output["output_type"] == "error"


def show(step: Step, graded: GradedCell, card: Card, metadata: dict[str, Any] | None = None) -> None:
    """What a graded cell shows: a card, and its points in the form in which nbgrader reads them."""
    shown = {"text/plain": display.text(card), "text/html": display.html(card)}
    points = {"text/plain": repr(float(graded.points)), "text/html": display.Points()._repr_html_()}
    step.graded = graded
    step.outputs = [
        {"output_type": "display_data", "data": shown, "metadata": metadata or {}},
        {"output_type": "execute_result", "data": points, "metadata": {}, "execution_count": None},
    ]

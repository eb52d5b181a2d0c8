"""What the grader itself writes into the outputs of a submission's cells."""

from __future__ import annotations

from typing import Any

from autograder import display
from autograder.display import Card
from autograder.step import GradedCell, Step


def error(kind: str, words: str) -> dict:
    """The output of a cell that has raised."""
    return {"output_type": "error", "ename": kind, "evalue": words, "traceback": [words]}


def is_error(output: object) -> bool:
    """Whether an output, which may be forged, shows that a cell has raised."""
    return isinstance(output, dict) and output.get("output_type") == "error"


def show(step: Step, graded: GradedCell, card: Card, metadata: dict[str, Any] | None = None) -> None:
    """What a graded cell shows: a card, and its points in the form in which nbgrader reads them."""
    shown = {"text/plain": display.text(card), "text/html": display.html(card)}
    points = {"text/plain": repr(float(graded.points)), "text/html": display.Points()._repr_html_()}
    step.graded = graded
    step.outputs = [
        {"output_type": "display_data", "data": shown, "metadata": metadata or {}},
        {"output_type": "execute_result", "data": points, "metadata": {}, "execution_count": None},
    ]

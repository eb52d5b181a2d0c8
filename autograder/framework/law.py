"""A law: a sentence that holds for every right answer, and the function that judges it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.framework.case import Case


@dataclass(frozen=True)
class Law:
    """`judge(candidate, case)` raises `Failed` where the law does not hold.

    `needs` names the law of the same component that this one builds on: it waits until that one holds. `cases` are the
    law's own, instead of the component's; `where` chooses among the component's. An `edge` law is about one corner of the
    contract: it does not stand in the way of a name for what is wrong elsewhere. A law that is judged `once` takes the first
    of its cases, and the first hidden one: other sizes would tell nothing more.
    """

    name: str
    sentence: str
    hint: str
    judge: Callable
    points: float
    needs: str | None = None
    cases: Sequence[Case] | None = None
    where: Callable[[Case], bool] | None = None
    edge: bool = False
    once: bool = False


def law_of(judge: Callable, points: float, needs: str | None = None, **options: Any) -> Law:
    """The law whose sentence and hint are the docstring of `judge`: first paragraph and the rest."""
    text = inspect.getdoc(judge)
    if not text:
        raise TypeError(f"the law {judge.__name__} has no docstring: its sentence, then its hint")
    sentence, _, hint = text.partition("\n\n")
    return Law(judge.__name__, _one_line(sentence).rstrip("."), _one_line(hint), judge, points, needs, **options)


def _one_line(text: str) -> str:
    return " ".join(text.split())

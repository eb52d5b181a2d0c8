"""The quiz's feedback as a card: an entry for each question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.display import Card, Entry, Mark

_MARKS = {True: (Mark.RIGHT, ", right"), False: (Mark.WRONG, ", not yet"), None: (Mark.OPEN, "")}


@dataclass(frozen=True)
class QuizLine:
    """One line of feedback. `right` is None where there was nothing to judge."""

    question: str
    text: str
    right: bool | None = None


def card(lines: Sequence[QuizLine], total: str = "") -> Card:
    """The lines under the total, or under the word for what they are about where there is none."""
    entries = tuple(Entry(_MARKS[line.right][0], f"{line.question}{_MARKS[line.right][1]}", line.text) for line in lines)
    all_right = bool(lines) and all(line.right for line in lines)
    return Card(f"quiz: {total}" if total else "quiz", entries, mark=Mark.RIGHT if all_right else Mark.OPEN)

"""A verdict as a card: its headline, its diagnosis, an entry for each law."""

from __future__ import annotations

from autograder import display
from autograder.display import Card, Entry, Fold, Mark, number
from autograder.framework.verdict import Status, Verdict
from utils.manifest import Exercise

_MARKS = {Status.HELD: Mark.RIGHT, Status.FAILED: Mark.WRONG, Status.WAITS: Mark.WAITS, Status.FAULT: Mark.FAULT}
_FIRST = [Status.FAILED, Status.FAULT, Status.WAITS, Status.HELD]  # in a notebook; a terminal keeps the laws' order


def headline(verdict: Verdict, stretch: bool = False) -> str:
    """One line: the component and its points; a stretch exercise has none in a notebook."""
    score = "" if stretch else f", {number(verdict.points)} of {number(verdict.max_points)} points"
    held = "all" if verdict.passed else f"{sum(finding.held for finding in verdict.findings)} of"
    return f"{verdict.component}: {held} {len(verdict.findings)} checks hold{score}"


def card(verdict: Verdict, stretch: bool = False, sort: bool = True, worked: str | None = None) -> Card:
    """The verdict for a reader; with `sort` what failed comes first, and what waits for it is one entry.

    `worked` is the source of a worked answer to compare with, where one may be shown.
    """
    findings = sorted(verdict.findings, key=lambda finding: _FIRST.index(finding.status)) if sort else verdict.findings
    entries = [Entry(_MARKS[finding.status], finding.law, finding.message) for finding in findings]
    waiting = [entry for entry in entries if entry.mark is Mark.WAITS]
    if sort and len(waiting) > 1:
        place = entries.index(waiting[0])
        rest = Entry(
            Mark.WAITS, f"{len(waiting)} more are judged once the above hold", "; ".join(entry.title for entry in waiting)
        )
        entries[place : place + len(waiting)] = [rest]
    note = ("Diagnosis", verdict.misconception or "", verdict.sentence) if verdict.sentence else None
    command = f"python3 course.py solution {verdict.component}"
    return Card(
        headline(verdict, stretch),
        tuple(entries),
        note,
        "(stretch: for you, not for the mark)" if stretch else "",
        Mark.RIGHT if verdict.passed else Mark.WRONG,
        Fold("Compare with a worked answer", worked, command) if worked is not None else None,
    )


def text(verdict: Verdict, stretch: bool = False) -> str:
    """The verdict as lines of text."""
    return display.text(card(verdict, stretch, sort=False))


def html(verdict: Verdict, stretch: bool = False) -> str:
    """The verdict as an HTML fragment."""
    return display.html(card(verdict, stretch))


def show(verdict: Verdict, exercise: Exercise, worked: str | None = None) -> None:
    """Displays the verdict in a notebook; below it the source of a worked answer, where there is one to show."""
    display.show(card(verdict, exercise.stretch, worked=worked), metadata={"course": for_report(verdict)})


def for_report(verdict: Verdict) -> dict:
    """What an output's metadata carry for the class report."""
    short = {"component": verdict.component, "points": verdict.points, "misconception": verdict.misconception}
    return {**short, "faults": [fault.law for fault in verdict.faults]} if verdict.faults else short


def show_sentence(sentence: str) -> None:
    """Displays one sentence where no verdict can be given."""
    display.show(Card(sentence, mark=Mark.WRONG))

"""The confusion matrix of the known answers: wrong ones failed and named right, right ones passed, others failed unnamed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from autograder.framework import solutions
from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component as find
from autograder.framework.judge import judge
from autograder.framework.known_answers import KnownAnswer, read, solution
from utils.manifest import load


class Kind(StrEnum):
    """What is known of an answer."""

    MISCONCEPTION = "misconception"
    VARIANT = "right answer"
    UNCATALOGUED = "uncatalogued"


FILES = {
    Kind.MISCONCEPTION: solutions.MISCONCEPTIONS,
    Kind.VARIANT: solutions.VARIANTS,
    Kind.UNCATALOGUED: solutions.UNCATALOGUED,
}


@dataclass
class MatrixRow:
    """One known answer and the verdict on it. `id` is the name that it should get, None for none."""

    chapter: str
    component: str
    kind: Kind
    id: str | None
    answer: str
    failed: bool
    named: str | None
    points: float
    checks: list[str]
    faults: list[str]

    @property
    def right(self) -> bool:
        """A wrong answer fails, a right one passes, each gets just its name, and no law has a fault."""
        return self.failed == (self.kind is not Kind.VARIANT) and self.named == self.id and not self.faults

    def as_dict(self) -> dict:
        return {**asdict(self), "kind": self.kind.value, "right": self.right}


def rows(chapter: str, component: str | None = None, hidden: bool = False) -> list[MatrixRow]:
    """A row for every known answer of a chapter, or of one component of it; its solution is among the right ones.

    Right answers are judged on the hidden cases too; wrong ones have to fail, and be named, by the cases of the notebook
    alone. With `hidden` those are judged as grading does as well.
    """
    names = [exercise.id for exercise in load().chapter(chapter).exercises if component in (None, exercise.id)]
    found = [
        _row(chapter, known, kind, hidden or kind is Kind.VARIANT)
        for kind, file in FILES.items()
        for known in read(chapter, file)
        if known.component in names
    ]
    return found + [_row(chapter, solution(chapter, name), Kind.VARIANT, hidden=True) for name in names]


def _row(chapter: str, known: KnownAnswer, kind: Kind, hidden: bool) -> MatrixRow:
    verdict = judge(LocalCandidate(find(known.component), known.answer), hidden)
    return MatrixRow(
        chapter,
        known.component,
        kind,
        known.id if kind is Kind.MISCONCEPTION else None,
        known.title if kind is Kind.MISCONCEPTION else f"{known.id} ({known.title})",
        not verdict.passed,
        verdict.misconception,
        verdict.points,
        [finding.law for finding in verdict.findings if finding.failed],
        [fault.law for fault in verdict.faults],
    )


def text(found: list[MatrixRow]) -> str:
    """The rows as a table, wrong ones marked, with a closing line that counts."""
    lines = []
    for row in found:
        mark = "  " if row.right else "!!"
        outcome = f"named {row.named}" if row.failed else "passed"
        fault = f"  FAULT in: {', '.join(row.faults)}" if row.faults else ""
        lines.append(f"{mark} {row.component:26} {row.id or row.kind.value:24} {outcome:32} {row.points:g}  {row.answer}{fault}")
    return "\n".join([*lines, closing_line(found)])


def closing_line(found: list[MatrixRow]) -> str:
    """How many of each kind there are, and what became of them."""
    of = {kind: [row for row in found if row.kind is kind] for kind in Kind}
    wrong, right, others = of[Kind.MISCONCEPTION], of[Kind.VARIANT], of[Kind.UNCATALOGUED]
    return (
        f"{len(wrong)} misconceptions: {sum(row.failed for row in wrong)} failed, {sum(row.right for row in wrong)} named right; "
        f"{len(right)} right answers: {sum(not row.failed for row in right)} passed, "
        f"{sum(row.named is not None for row in right)} accused; "
        f"{len(others)} uncatalogued: {sum(row.failed for row in others)} failed, "
        f"{sum(row.named is not None for row in others)} named"
    )

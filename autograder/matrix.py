"""The confusion matrix: each misconception, was it failed, and named right; each variant, did it pass unaccused."""

from dataclasses import asdict, dataclass

from autograder import misconceptions
from autograder.checks.candidate import LocalCandidate
from autograder.checks.component import component as find
from autograder.judge import judge


@dataclass
class Row:
    """One known answer and the verdict on it. `id` is None for a variant."""

    chapter: str
    component: str
    id: str | None
    answer: str
    failed: bool
    named: str | None
    points: float
    checks: list[str]

    @property
    def right(self):
        """A misconception is failed and named by its id; a variant passes and is not named."""
        return self.failed == (self.id is not None) and self.named == self.id

    def as_dict(self):
        return {**asdict(self), "right": self.right}


def rows(chapter):
    """A `Row` for every misconception and every variant of a chapter."""
    wrong = [(entry, entry.id) for entry in misconceptions.read(chapter, "misconceptions.py")]
    right = [(entry, None) for entry in misconceptions.read(chapter, "variants.py")]
    return [_row(chapter, entry, id) for entry, id in wrong + right]


def _row(chapter, entry, id):
    verdict = judge(LocalCandidate(find(entry.component), entry.answer), hidden=True)
    failed = [check.name for check in verdict.checks if not check.passed and check.rule != "not run"]
    answer = entry.answer.__name__ if id is not None else f"{entry.answer.__name__} ({entry.id})"
    return Row(
        chapter,
        entry.component,
        id,
        answer,
        not verdict.passed,
        verdict.misconception,
        verdict.points,
        failed,
    )


def text(found):
    """The rows as a table, wrong ones marked, with a closing line that counts."""
    lines = []
    for row in found:
        mark = "  " if row.right else "!!"
        outcome = f"named {row.named}" if row.failed else "passed"
        lines.append(f"{mark} {row.component:24} {row.id or 'right answer':24} {outcome:32} {row.points:g}  {row.answer}")
    wrong = [row for row in found if row.id is not None]
    right = [row for row in found if row.id is None]
    failed, named = sum(row.failed for row in wrong), sum(row.right for row in wrong)
    passed, accused = sum(row.right for row in right), sum(row.named is not None for row in right)
    lines.append(
        f"{len(wrong)} misconceptions: {failed} failed, {named} named right; "
        f"{len(right)} right answers: {passed} passed, {accused} accused"
    )
    return "\n".join(lines)

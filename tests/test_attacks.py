"""What hostile notebooks try, one file each in `attacks/`, and honest ones that look odd: what they earn, and what they leave.

A file has the source of the cell of `softmax` (`CELL`), the points that it must earn (`POINTS`), where that matters a word of the
message (`SAYS`), and `REST = False` where what comes after in the same process may be lost. (Those that are to break a whole
batch have no `CELL`: see `test_breaking`.)
"""

import attack_files
import nbformat
import odd_notebooks
import pytest
import torch

from autograder.classroom.autograding import show
from autograder.framework.isolation import sandbox, server
from autograder.framework.isolation.limits import Limits
from autograder.run import GradingRun
from autograder.submission.taking_in import take_in
from utils.manifest import load

MOST_CHARACTERS = 80_000_000  # of a graded notebook
ATTACKS = [name for name in attack_files.names() if not name.startswith("break_")]
needs_sandbox = pytest.mark.skipif(sandbox.why_not() is not None, reason=str(sandbox.why_not()))


@pytest.fixture(scope="module")
def released():
    return nbformat.read(load().released_notebook(odd_notebooks.CHAPTER), as_version=4)


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    with attack_files.Targets(tmp_path_factory.mktemp("targets")) as targets:
        yield targets


@needs_sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_it_earns_what_it_deserves_and_leaves_nothing(name, released, targets):
    assert server.start(), "answers of these tests run in the sandbox"
    tried, equal = attack_files.load(name), torch.equal
    taken = take_in(targets.notebook(tried), released)
    with GradingRun(odd_notebooks.CHAPTER, taken, limits=Limits(cell_seconds=4)) as run:
        steps = run.steps(taken.cells)
        assert not run.faults
    graded = {step.graded.grade_id: step.graded for step in steps if step.graded is not None}
    show(taken, steps, sandbox=True, safe=True)
    nbformat.validate(nbformat.reads(nbformat.writes(taken).encode(), as_version=4))
    assert len(nbformat.writes(taken)) < MOST_CHARACTERS
    of_the_judge = [cell for cell, step in zip(taken.cells, steps, strict=True) if step.graded is not None]
    told = [cell for cell in taken.cells if any("course" in output.get("metadata", {}) for output in cell.get("outputs", ()))]
    assert all(cell in of_the_judge for cell in told)
    assert graded["check-softmax"].points == tried.POINTS, graded["check-softmax"].message
    assert getattr(tried, "SAYS", "") in graded["check-softmax"].message
    if getattr(tried, "REST", True):
        assert {id: graded[id].points for id in ("check-attention_scores", "check-quiz")} == {
            id: odd_notebooks.FULL[id] for id in ("check-attention_scores", "check-quiz")
        }
    assert not targets.harm() and torch.equal is equal


def test_there_is_an_attack_of_every_kind():
    kinds = {name.split("_")[0] for name in attack_files.names()}
    assert kinds == {"forge", "read", "write", "exhaust", "survive", "break", "honest"}
    assert len(ATTACKS) >= 40

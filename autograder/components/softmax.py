"""What is checked of softmax."""

import math

import torch

from autograder.shared_laws.agreement import add_common, agree, gradients_finite, proving, settled
from autograder.words import Candidate, Case, Component, Drawn, Probe, expect


def draw(case: Case, dim: int | None = None, *shape: int) -> Drawn:
    x = case.normal(*(shape or (case.depth, case.rows, case.cols)), scale=2.0)
    return Drawn({"x": x}, {} if dim is None else {"dim": dim})


def given(*shape: int, dim: int | None = None) -> Probe:
    return Probe(lambda case: draw(case, dim, *shape))


COMPONENT = Component(
    draw,
    cases=Case.table(201, "rows cols depth", (5, 7, 3), (11, 2, 5)),
    forbids="softmax",
    probes={
        "last axis": given(2, 3, 5),
        "square": given(4, 4),
        "middle axis": given(2, 3, 5, dim=1),
        "first axis": given(5, 2, dim=0),
    },
)


@COMPONENT.law(points=0.25)
def larger_entry_larger_share(candidate: Candidate, case: Case) -> None:
    """Every share is positive, and what an entry gains by growing the others lose

    What does exp make of a negative number, and of a larger one? And what are its values divided by?
    """
    drawn = draw(case, None, case.cols, case.cols + 1)
    shares = candidate.use(drawn)
    expect.true(bool((shares > 0).all()), "some shares are not positive, and all entries are finite.")
    grown = candidate.use(drawn.with_inputs(x=drawn.inputs["x"] + torch.eye(case.cols, case.cols + 1, dtype=case.dtype)))
    for i, (before, after) in enumerate(zip(shares.diagonal().tolist(), grown.diagonal().tolist(), strict=True)):
        expect.true(after > before, f"entry {[i, i]} was made larger by 1, and its share went from {before:.5g} to {after:.5g}.")
    expect.close(grown.sum(), shares.sum(), "the sum of all shares after one entry in each row was made larger by 1")


@COMPONENT.law(points=0.5, needs=larger_entry_larger_share)
def agrees(candidate: Candidate, case: Case) -> None:
    """It agrees with PyTorch's softmax, along any axis

    The shares along `dim` sum to one. Along which axis does each of your steps run, and which shape does it leave?
    """
    agree(candidate, draw(case))
    agree(candidate, draw(case, None, case.cols), "for a single row")
    for dim in (0, 1, 2, -2):
        agree(candidate, draw(case, dim), f"with dim={dim}")


@COMPONENT.law(points=0.25, needs=larger_entry_larger_share)
def entries_of_any_size(candidate: Candidate, case: Case) -> None:
    """Huge and tiny entries neither overflow nor vanish, and -inf gets the share 0

    exp(100) is beyond float32, and exp(-inf) is 0 by itself. Adding a constant to a whole row does not change its shares:
    which constant helps? Does a step make inf - inf?
    """
    drawn = draw(case, None, case.rows, case.cols)
    x, plain = drawn.inputs["x"], settled(candidate, drawn)
    # No larger than 1000: exp(x - logsumexp(x)) is right too, and rounds its exponent to the spacing of numbers near x.
    with proving("overflow"):
        for far in (1e3, -1e3):
            expect.finite(candidate.use(drawn.with_inputs(x=x + far)), f"the result for entries near {far:g}")
        if not plain:
            return
        top = torch.zeros(2, case.cols, dtype=x.dtype)
        top[:, 0] = torch.finfo(x.dtype).max / 4
        sizes = {"near 1000": x + 1e3, "near -1000": x - 1e3, "in the hundreds": x * 150, "among the largest numbers": top}
        for where, entries in sizes.items():
            agree(candidate, drawn.with_inputs(x=entries), f"for entries {where}")
    gradients_finite(candidate, drawn.with_inputs(x=x * 1e3), "for entries in the thousands")
    hidden = drawn.with_inputs(x=x.masked_fill(~case.mask(case.rows, case.cols), -math.inf))
    agree(candidate, hidden, "with entries of -inf")
    gradients_finite(candidate, hidden, "with entries of -inf")


add_common(
    COMPONENT, larger_entry_larger_share, small=lambda case: draw(case, 1), learning=lambda case: [draw(case), draw(case, 0)]
)

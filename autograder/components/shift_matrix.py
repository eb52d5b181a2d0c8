"""What is checked of shift_matrix."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, expect, refuses_odd
from utils import reference

STARTS = torch.tensor([*range(12), 400, 3_000, 9_000])
"""Positions that are moved: far ones, since near 0 the slow waves have hardly begun."""


def draw(case: Case) -> Drawn:
    return shift(case.offset, case.d_model)


def shift(offset: int, d_model: int) -> Drawn:
    return Drawn({"offset": offset, "d_model": d_model})


COMPONENT = Component(
    draw,
    cases=Case.table(621, "offset other d_model odd", (3, 5, 6, 7), (13, 2, 14, 3)),
    parts=("the matrix",),
    probes=Probe.table(
        draw, "offset d_model", {"one step": (1, 6), "three steps": (3, 4), "two steps back": (-2, 6), "two columns": (3, 2)}
    ),
)


@COMPONENT.law(points=0.25)
def turns(candidate: Candidate, case: Case) -> None:
    """It turns and never stretches: lengths are kept

    What is the length of the encoding of one position, and of its neighbour's?
    """
    matrix, one = candidate.use(draw(case)), torch.eye(case.d_model)
    expect.close(matrix @ matrix.T, one, "the matrix times its transpose")
    expect.true(not torch.allclose(matrix, one, atol=1e-3), f"shift_matrix({case.offset}, {case.d_model}) moves nothing.")


@COMPONENT.law(points=1.0, needs=turns)
def moves(candidate: Candidate, case: Case) -> None:
    """It moves the encoding of every position by the offset

    Row vectors: (sin a, cos a) stands on the left of a 2 × 2 block. What has to come out on the right?
    """
    for d_model in (case.d_model, 2):
        table = reference.sinusoidal_encoding(10_000, d_model)
        for offset in (case.offset, case.other, 1):
            moved = table[STARTS] @ candidate.use(shift(offset, d_model))
            for start, got, right in zip(STARTS.tolist(), moved, table[STARTS + offset], strict=True):
                expect.close(got, right, f"the encoding of position {start} times shift_matrix({offset}, {d_model})")


@COMPONENT.law(points=0.25, needs=turns)
def back_and_nowhere(candidate: Candidate, case: Case) -> None:
    """A negative offset moves back, and 0 stays

    Which angle belongs to a step back, and which to no step at all?
    """
    forth, back = candidate.use(draw(case)), candidate.use(shift(-case.offset, case.d_model))
    one, size = torch.eye(case.d_model), case.d_model
    expect.close(candidate.use(shift(0, size)), one, f"shift_matrix(0, {size})")
    expect.close(forth @ back, one, f"shift_matrix({case.offset}, {size}) @ shift_matrix({-case.offset}, {size})")


@COMPONENT.law(points=0.25, needs=turns)
def steps_add_up(candidate: Candidate, case: Case) -> None:
    """Two shifts in a row are one shift by the sum

    Angles add up. Is an angle of yours rounded, or cut off?
    """
    for first, second, tolerance in ((case.offset, case.other, 1e-4), (4_000, case.offset - 4_000, 0.02)):
        two = candidate.use(shift(first, case.d_model)) @ candidate.use(shift(second, case.d_model))
        what = f"shift_matrix({first}, {case.d_model}) @ shift_matrix({second}, {case.d_model})"
        expect.close(two, candidate.use(shift(first + second, case.d_model)), what, (0.0, tolerance))


refuses_odd(COMPONENT, turns, "d_model")

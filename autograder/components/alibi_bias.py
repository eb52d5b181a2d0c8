"""What is checked of alibi_bias."""

import math
from typing import Any

import torch

from autograder.shared_laws.tables import fits, in_float32, longer_begins_with_shorter, near
from autograder.words import Candidate, Case, Component, Drawn, Probe, expect
from utils import reference


def draw(case: Case) -> Drawn:
    return bias(case.num_heads, case.seq_len)


def bias(num_heads: int, seq_len: int) -> Drawn:
    return Drawn({"num_heads": num_heads, "seq_len": seq_len})


def the_past(candidate: Candidate, case: Case) -> Any:
    """The lower triangles; where all are straight lines that fall with other slopes, only that this is so."""
    rows, columns = torch.tril_indices(5, 5)
    longer = candidate.raw(bias(4, 7))
    found, falls, right = [], True, True
    for heads in (1, 2, 4, 16):
        got = candidate.raw(bias(heads, 5))
        if not fits(got, heads, 5, 5):
            return got
        found.append(got[:, rows, columns].double())
        slopes = -got[:, 1, :1].double()
        falls = falls and bool((slopes > 0).all()) and near(found[-1], -slopes * (rows - columns))
        right = right and near(found[-1], reference.alibi_bias(heads, 5)[:, rows, columns])
    fixed = fits(longer, 4, 7, 7) and near(longer[:, rows, columns], found[2])
    return "falls with other slopes" if falls and fixed and not right else found


def the_future(candidate: Candidate, case: Case) -> Any:
    """What stands above the diagonal; where some of it lets a key be seen, only that this is so."""
    got = candidate.raw(bias(4, 5))
    if not fits(got, 4, 5, 5):
        return got
    rows, columns = torch.triu_indices(5, 5, 1)
    future = got[:, rows, columns]
    return "seen" if bool((future > -1e3).any()) else future


COMPONENT = Component(
    draw,
    cases=Case.table(641, "num_heads seq_len", (4, 7), (16, 3)),
    parts=("the bias",),
    probes={"the past": Probe(look=the_past), "the future": Probe(look=the_future)},
)


@COMPONENT.law(points=0.25)
def one_table_a_head(candidate: Candidate, case: Case) -> None:
    """There is one float32 table for each head

    Which of the three axes is that of the heads, and which dtype do your slopes and distances have?
    """
    for drawn in (draw(case), bias(1, 2), bias(2, 1)):
        in_float32(candidate, drawn)


@COMPONENT.law(points=0.25)
def in_step_with_the_distance(candidate: Candidate, case: Case) -> None:
    """In each head the bias is in step with the distance

    Two steps weigh twice as much as one, wherever the query stands.
    """
    found, steps = candidate.use(draw(case)), torch.arange(case.seq_len)
    expect.true(not bool(found.isnan().any()), "some entries are NaN, as infinity times 0 is.")
    shown = found.masked_fill(found.abs() > 1e3, 0.0)  # without -inf, or what stands for it
    own = shown.diagonal(dim1=1, dim2=2)
    expect.close(own, torch.zeros_like(own), "the bias of each query for itself, of which there is one row a head")
    a_step = shown.abs() / (steps[:, None] - steps).abs().clamp(min=1)
    wanted = torch.where(shown == 0, 0.0, a_step.amax((1, 2), keepdim=True))
    expect.true(bool((a_step.amax((1, 2)) > 0).all()), "some head takes nothing off, however far a key is.")
    expect.close(a_step, wanted, "the bias divided by the distance, without signs, beside the largest of the head")


@COMPONENT.law(points=0.5, needs=in_step_with_the_distance)
def hides_the_future(candidate: Candidate, case: Case) -> None:
    """Keys after the query get -inf, the others do not

    Rows are queries i, columns are keys j: which keys come after query 0, and which after the last one?
    """
    for drawn in (draw(case), bias(1, 4)):
        got, future = candidate.use(drawn), candidate.right(drawn) == -math.inf
        expect.equal(got == -math.inf, future, "where the bias is -inf")
        expect.finite(got.masked_fill(future, 0.0), "the bias of keys that are not in the future")


@COMPONENT.law(points=0.75, needs=in_step_with_the_distance)
def agrees(candidate: Candidate, case: Case) -> None:
    """Head h falls by 2^(-8(h+1)/num_heads) for each step back

    The slopes are a geometric series that starts at 2^(-8/num_heads) and ends at 2^(-8); the bias is never positive.
    """
    for heads, seq_len in ((case.num_heads, case.seq_len), (8, 5), (1, 4), (2, 1)):
        got, right = (x.tril(-1) for x in (candidate.use(bias(heads, seq_len)), candidate.right(bias(heads, seq_len))))
        expect.close(got, right, f"below the diagonals of alibi_bias({heads}, {seq_len})")


longer_begins_with_shorter(COMPONENT, in_step_with_the_distance, "Do the slopes or the distances depend on seq_len?")

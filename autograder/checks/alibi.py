"""The laws of alibi_bias."""

import math
from itertools import product

import torch

from autograder.checks import expect
from autograder.checks.case import Case
from autograder.checks.component import Component
from autograder.checks.sinusoids import near
from utils import reference

CHAPTER = "06_positional_encoding"

ALIBI = Component(
    "alibi_bias", CHAPTER, reference.alibi_bias, input_points=0,
    cases=[Case(seed=641, num_heads=4, seq_len=7), Case(seed=642, num_heads=16, seq_len=3)],
)  # fmt: skip
_SLOPES = "head h falls by 2^(-8(h+1)/num_heads) for each step back"


def oracle_bias(num_heads, seq_len):
    """The definition, one number at a time, in float64."""
    bias = torch.full((num_heads, seq_len, seq_len), -math.inf, dtype=torch.float64)
    for head, query in product(range(num_heads), range(seq_len)):
        for key in range(query + 1):
            bias[head, query, key] = -(2.0 ** (-8 * (head + 1) / num_heads)) * (query - key)
    return bias


@ALIBI.law(
    "there is one float32 table for each head", points=0.25,
    hint="The head axis comes first: (num_heads, seq_len, seq_len).",
)  # fmt: skip
def _(candidate, case):
    for shape in ((case.num_heads, case.seq_len), (1, 2), (2, 1)):
        expect.tensor(candidate(*shape), (*shape, shape[1]), torch.float32, f"alibi_bias{shape}")


@ALIBI.law(
    "keys after the query get -inf, the others do not", points=0.5,
    hint="Rows are queries i, columns are keys j: what lies above the diagonal is the future.",
)  # fmt: skip
def _(candidate, case):
    bias = expect.tensor(candidate(case.num_heads, case.seq_len), (case.num_heads, case.seq_len, case.seq_len))
    future = torch.ones(case.seq_len, case.seq_len, dtype=torch.bool).triu(1)
    right = future.expand_as(bias)
    expect.equal(bias == -math.inf, right, what="where the bias is -inf")


@ALIBI.law(
    _SLOPES, points=0.75,
    hint="The slopes are a geometric series that starts at 2^(-8/num_heads) and ends at 2^(-8); the bias is never positive.",
)  # fmt: skip
def _(candidate, case):
    for shape in ((case.num_heads, case.seq_len), (8, 5), (1, 4)):
        expect.close(candidate(*shape), oracle_bias(*shape), case, what=f"alibi_bias{shape}")


@ALIBI.law(
    "only the distance counts: the same along every diagonal", points=0.25, needs=_SLOPES,
    hint="Entry (i + 1, j + 1) equals entry (i, j).",
)  # fmt: skip
def _(candidate, case):
    bias = candidate(case.num_heads, case.seq_len)
    expect.close(bias[:, 1:, 1:], bias[:, :-1, :-1], case, what="the bias one step down its diagonals")


@ALIBI.law(
    "a longer table begins with the shorter one", points=0.25, needs=_SLOPES,
    hint="Neither the slopes nor the distances depend on seq_len.",
)  # fmt: skip
def _(candidate, case):
    short, long = candidate(case.num_heads, case.seq_len), candidate(case.num_heads, 3 * case.seq_len)
    expect.close(long[:, : case.seq_len, : case.seq_len], short, case, what="the corner of a longer table")


_HEADS = (1, 2, 4, 16)


@ALIBI.probe("the past")
def _(candidate, given):
    """The lower triangles; where all are straight lines with other slopes, only that this is so."""
    past, straight = [], []
    for num_heads in _HEADS:
        bias = candidate(num_heads, 5)
        if not isinstance(bias, torch.Tensor) or bias.shape != (num_heads, 5, 5):
            return bias
        rows, columns = torch.tril_indices(5, 5)
        past.append(bias[:, rows, columns].double())
        straight.append(near(past[-1], (bias[:, 1, :1] * (rows - columns)).double()))
    right = all(near(found, oracle_bias(n, 5)[:, rows, columns]) for n, found in zip(_HEADS, past, strict=True))
    return "other slopes" if all(straight) and not right and all(p.isfinite().all() for p in past) else past


@ALIBI.probe("the future")
def _(candidate, given):
    """What stands above the diagonal; where some of it lets a key be seen, only that this is so."""
    bias = candidate(4, 5)
    if not isinstance(bias, torch.Tensor) or bias.shape != (4, 5, 5):
        return bias
    rows, columns = torch.triu_indices(5, 5, 1)
    future = bias[:, rows, columns]
    return "seen" if bool((future > -1e3).any()) else future

"""The laws of shift_matrix."""

import torch

from autograder.checks import expect
from autograder.checks.case import Case
from autograder.checks.component import Component
from autograder.checks.sinusoids import oracle_encoding
from utils import reference

CHAPTER = "06_positional_encoding"

SHIFT = Component(
    "shift_matrix", CHAPTER, reference.shift_matrix, input_points=0,
    cases=[
        Case(seed=621, offset=3, other=5, d_model=6, odd=7),
        Case(seed=622, offset=13, other=2, d_model=14, odd=3),
    ],
)  # fmt: skip
_MOVES = "it moves the encoding of every position by the offset"


def _shift(candidate, case, offset, d_model):
    """The candidate's matrix, in float64: the contract leaves its dtype open."""
    matrix = expect.tensor(candidate(offset, d_model), (d_model, d_model), what=f"shift_matrix({offset}, {d_model})")
    expect.true(matrix.is_floating_point(), f"shift_matrix({offset}, {d_model}) holds {matrix.dtype}; expected floats.")
    return matrix.double()


def _close(got, expected, what):
    """Within what float32 leaves of sines of small angles."""
    expect.close(got.float(), expected.float(), Case(seed=0), what=what)


@SHIFT.law(
    "it is a square of d_model rows", points=0.25,
    hint="One matrix for all positions: its shape depends on d_model alone.",
)  # fmt: skip
def _(candidate, case):
    for d_model in (case.d_model, 2):
        _shift(candidate, case, case.offset, d_model)


@SHIFT.law(
    _MOVES, points=0.75,
    hint="Row vectors: (sin a, cos a) times a 2 × 2 block is (sin(a + b), cos(a + b)). The addition theorems give the block.",
)  # fmt: skip
def _(candidate, case):
    for d_model in (case.d_model, 2):
        table = oracle_encoding(30, d_model)
        for offset in (case.offset, case.other, 1):
            moved = table[: 30 - offset] @ _shift(candidate, case, offset, d_model)
            _close(moved, table[offset:], f"the encodings of positions 0 … {29 - offset} times shift_matrix({offset}, {d_model})")


@SHIFT.law(
    "a negative offset moves back, and 0 stays", points=0.25, needs=_MOVES,
    hint="Nothing special is needed for a negative offset: sin(-b) = -sin(b), cos(-b) = cos(b).",
)  # fmt: skip
def _(candidate, case):
    table = oracle_encoding(30, case.d_model)
    for offset in (-case.offset, -1, 0):
        moved = table[-offset:] @ _shift(candidate, case, offset, case.d_model)
        what = f"the encodings of positions {-offset} … 29 times shift_matrix({offset}, {case.d_model})"
        _close(moved, table[: 30 + offset], what)


@SHIFT.law(
    "it turns and never stretches: lengths are kept", points=0.25, needs=_MOVES,
    hint="Each 2 × 2 block is a rotation: cosines on the diagonal, sines of opposite signs beside it.",
)  # fmt: skip
def _(candidate, case):
    matrix = _shift(candidate, case, case.offset, case.d_model)
    _close(matrix @ matrix.T, torch.eye(case.d_model), "the matrix times its transpose")


@SHIFT.law(
    "two shifts in a row are one shift by the sum", points=0.25, needs=_MOVES,
    hint="Angles add up. Is an angle of yours rounded, or cut off?",
)  # fmt: skip
def _(candidate, case):
    two = _shift(candidate, case, case.offset, case.d_model) @ _shift(candidate, case, case.other, case.d_model)
    one = _shift(candidate, case, case.offset + case.other, case.d_model)
    _close(two, one, f"shift_matrix({case.offset}, …) @ shift_matrix({case.other}, …)")


@SHIFT.law(
    "an odd d_model is refused", points=0.25, needs=_MOVES,
    hint="raise ValueError with a message that names d_model and the value that came.",
)  # fmt: skip
def _(candidate, case):
    for d_model in (case.odd, 1):
        expect.raises(candidate.error(case.offset, d_model), "ValueError", mentions=["d_model", d_model])


@SHIFT.probe("forth and back")
def _(candidate, given):
    return [candidate(offset, d_model) for offset in (1, 3, -2) for d_model in (2, 6)]

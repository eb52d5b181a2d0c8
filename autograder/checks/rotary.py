"""The laws of apply_rotary."""

import cmath

import torch

from autograder.checks import expect
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "06_positional_encoding"

ROTARY = Component(
    "apply_rotary", CHAPTER, reference.apply_rotary,
    cases=[
        Case(seed=631, batch=2, seq=5, d_head=6, odd=7),
        Case(seed=632, dtype=torch.float64, batch=3, seq=7, d_head=10, odd=5),
    ],
)  # fmt: skip
_TURNS = "each pair (x_2i, x_2i+1) is turned counter-clockwise by pos / 10000^(2i/d_head)"


def oracle_rotary(x, positions):
    """Multiplication of each pair, read as a complex number, by exp(i · angle), in float64."""
    d_head = x.shape[-1]
    turns = [[cmath.exp(1j * p / 10000 ** (2 * i / d_head)) for i in range(d_head // 2)] for p in positions.tolist()]
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    turned = torch.view_as_real(pairs * torch.tensor(turns, dtype=torch.complex128))
    return turned.flatten(-2).to(x.dtype)


def _agrees(got, x, positions, case, what):
    """The candidate's result is the oracle's; says so where float64 is right to float32's digits only."""
    right = oracle_rotary(x, positions)
    expect.tensor(got, right.shape, x.dtype, what)
    if case.dtype == torch.float64 and (got - right).abs().max() > 1e-9:
        rough = bool((got - right).abs().max() < 1e-4)
        expect.true(not rough, f"{what}: right to about seven digits only, in float64. Some step to the angles is float32.")
    expect.close(got, right, case, what=what)


def _positions(case):
    """Unsorted positions that start anywhere and may repeat."""
    return case.integers(0, 40, case.seq)


@ROTARY.law(
    "position 0 changes nothing, and the length of every vector is kept", points=0.25,
    hint="A rotation has cosines and sines of one and the same angle; at position 0 all angles are 0.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.batch, case.seq, case.d_head)
    still = candidate(x, torch.zeros(case.seq, dtype=torch.int64))
    expect.close(still, x, case, what="x after a rotation with all positions 0")
    expect.tensor(still, dtype=x.dtype)
    turned = candidate(x, torch.arange(case.seq))
    expect.close(turned.norm(dim=-1), x.norm(dim=-1), case, what="the length of each vector after the rotation")


@ROTARY.law(
    _TURNS, points=0.5,
    hint="For a pair (a, b) and an angle t: (a cos t - b sin t, a sin t + b cos t). The angles come from `positions`.",
)  # fmt: skip
def _(candidate, case):
    for d_head in (case.d_head, 2):
        x = case.normal(case.batch, case.seq, d_head)
        for positions in (torch.arange(case.seq), torch.arange(case.seq) + 11, _positions(case)):
            what = f"x of {d_head} features at the positions {positions.tolist()}"
            _agrees(candidate(x, positions), x, positions, case, what)


@ROTARY.law(
    "any leading axes are carried along", points=0.25, needs=_TURNS,
    hint="Count axes from the end: seq is the last but one, d_head the last.",
)  # fmt: skip
def _(candidate, case):
    positions = _positions(case)
    for lead in ((), (case.batch, 3), (2, case.batch, 1)):
        x = case.normal(*lead, case.seq, case.d_head)
        _agrees(candidate(x, positions), x, positions, case, f"x with leading axes {lead}")


@ROTARY.law(
    "the score of a query and a key depends on their distance alone", points=0.25, needs=_TURNS,
    hint="Turn both by the same further angle and the angle between them stays: look for a position that counts twice.",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.seq, case.d_head), case.normal(case.seq, case.d_head)
    positions = torch.arange(case.seq)
    scores = [candidate(q, positions + shift) @ candidate(k, positions + shift).T for shift in (0, 17)]
    expect.close(scores[1], scores[0], case, what="the scores after all positions moved by 17")


@ROTARY.law(
    "the gradient with respect to x is right", points=0.25, needs=_TURNS,
    hint="Stay with tensor operations from x to the result.",
)  # fmt: skip
def _(candidate, case):
    x, cotangent = case.normal(case.batch, case.seq, case.d_head), case.normal(case.batch, case.seq, case.d_head)
    positions = _positions(case)
    _, got = candidate.gradients(x, positions, cotangents=[cotangent])
    expect.differentiable(got[:1], ["x"])
    expect.close(got[0], oracle_rotary(cotangent, -positions), case, what="the gradient with respect to x")


@ROTARY.law(
    "an odd d_head is refused", points=0.25, needs=_TURNS,
    hint="raise ValueError with a message that names d_head and the value that came.",
)  # fmt: skip
def _(candidate, case):
    for d_head in (case.odd, 1):
        error = candidate.error(case.normal(case.batch, case.seq, d_head), torch.arange(case.seq))
        expect.raises(error, "ValueError", mentions=[d_head])
        named = any(word in error.message for word in ("x", "head", "dim", "axis", "feature"))
        expect.true(named, f"the message of the ValueError does not name d_head: it says {error.message!r}.")


@ROTARY.probe("in a row")
def _(candidate, given):
    return candidate(given.normal(2, 4, 6), torch.arange(4))


@ROTARY.probe("elsewhere")
def _(candidate, given):
    return candidate(given.normal(2, 4, 6), torch.tensor([7, 3, 3, 0]))


@ROTARY.probe("one pair")
def _(candidate, given):
    return candidate(given.normal(3, 2), torch.arange(3))


@ROTARY.probe("gradient")
def _(candidate, given):
    return candidate.gradients(given.normal(3, 4), torch.arange(3), cotangents=[given.normal(3, 4)])[1]

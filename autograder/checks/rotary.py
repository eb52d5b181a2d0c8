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


def _agrees(got, x, positions, what):
    """The candidate's result is the oracle's in shape, dtype and, to what float32 leaves, in value."""
    expect.tensor(got, x.shape, x.dtype, what)
    expect.close(got, oracle_rotary(x, positions), Case(seed=0), what=what)


def _positions(case):
    """Unsorted positions that start anywhere and may repeat."""
    return case.integers(0, 40, case.seq)


@ROTARY.law(
    _TURNS, points=0.5,
    hint="For a pair (a, b) and an angle t: (a cos t - b sin t, a sin t + b cos t). The angles come from `positions`.",
)  # fmt: skip
def _(candidate, case):
    for d_head in (case.d_head, 2):
        x = case.normal(case.batch, case.seq, d_head)
        everywhere = torch.arange(case.seq)
        for positions in (0 * everywhere, everywhere, everywhere + 11, _positions(case)):
            what = f"x of {d_head} features at the positions {positions.tolist()}"
            _agrees(candidate(x, positions), x, positions, what)


@ROTARY.law(
    "any leading axes are carried along", points=0.25, needs=_TURNS,
    hint="Count axes from the end: seq is the last but one, d_head the last.",
)  # fmt: skip
def _(candidate, case):
    positions = _positions(case)
    for lead in ((), (case.batch, 3), (2, case.batch, 1)):
        x = case.normal(*lead, case.seq, case.d_head)
        _agrees(candidate(x, positions), x, positions, f"x with leading axes {lead}")


@ROTARY.law(
    "float64 comes out right to its last digits", points=0.25, needs=_TURNS, cases=lambda case: case.dtype == torch.float64,
    hint="One float32 step on the way to the angles is enough: an exponent, a speed or the positions as float32.",
)  # fmt: skip
def _(candidate, case):
    x, positions = case.normal(case.batch, case.seq, case.d_head), _positions(case)
    worst = (candidate(x, positions) - oracle_rotary(x, positions)).abs().max()
    expect.true(bool(worst < 1e-9), f"float64 features are off by up to {worst:.0e}: that is the precision of float32.")


@ROTARY.law(
    "the score of a query and a key depends on their distance alone", points=0.25, needs=_TURNS,
    hint="Turn both by the same further angle and the angle between them stays: look for a position that counts twice.",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.seq, case.d_head), case.normal(case.seq, case.d_head)
    positions = torch.arange(case.seq)
    scores = [candidate(q, positions + shift) @ candidate(k, positions + shift).T for shift in (0, 17)]
    expect.close(scores[1], scores[0], Case(seed=0), what="the scores after all positions moved by 17")


@ROTARY.law(
    "the gradient with respect to x is right", points=0.25, needs=_TURNS,
    hint="Stay with tensor operations from x to the result.",
)  # fmt: skip
def _(candidate, case):
    x, cotangent = case.normal(case.batch, case.seq, case.d_head), case.normal(case.batch, case.seq, case.d_head)
    positions = _positions(case)
    _, got = candidate.gradients(x, positions, cotangents=[cotangent])
    expect.differentiable(got[:1], ["x"])
    expect.gradient(got[0], oracle_rotary(cotangent, -positions), Case(seed=0), what="the gradient with respect to x")


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

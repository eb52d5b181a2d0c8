"""The laws of softmax."""

import math

import torch

from autograder.checks import expect
from autograder.checks.against_oracle import gradients
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "02_attention_mechanism"

SOFTMAX = Component(
    "softmax", CHAPTER, reference.softmax, forbids="softmax",
    cases=[Case(seed=201, rows=5, cols=7, depth=3), Case(seed=202, dtype=torch.float64, rows=11, cols=2, depth=5)],
)  # fmt: skip


@SOFTMAX.law(
    "every row is positive and sums to one", points=0.5,
    hint="Divide the exponentials by their sum along the same axis; keepdim=True keeps the shapes in step.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols)
    y = expect.tensor(candidate(x), shape=x.shape, dtype=x.dtype)
    expect.true(bool((y > 0).all()), "some entries are not positive: every finite score keeps a weight above 0.")
    expect.close(y.sum(-1), torch.ones(case.rows, dtype=x.dtype), case, what="the sum of each row")


@SOFTMAX.law(
    "it agrees with PyTorch's softmax, along any axis", points=0.5,
    hint="The maximum, the sum and the division all run along `dim`, whichever it is.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.depth, case.rows, case.cols, scale=2.0)
    expect.close(candidate(x), torch.softmax(x, -1), case, what="softmax(x)")
    for dim in (0, 1, 2, -2):
        expect.close(candidate(x, dim=dim), torch.softmax(x, dim), case, what=f"softmax(x, dim={dim})")
    one = case.normal(case.cols)
    expect.close(
        candidate(one, dim=0),
        torch.softmax(one, 0),
        case,
        what="softmax of a single row, dim=0",
    )


@SOFTMAX.law(
    "huge and tiny entries neither overflow nor vanish", points=0.25,
    hint="exp(100) is beyond float32. Adding a constant to a whole row does not change its softmax: which constant helps?",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols)
    # No larger: exp(x - logsumexp(x)) is right too, and rounds its exponent to the spacing of numbers near x.
    for shift in (1e3, -1e3):
        moved = x + shift
        expect.close(candidate(moved), torch.softmax(moved, -1), case, what=f"softmax of a row near {shift:g}")
    wide = x * 300.0
    expect.close(candidate(wide), torch.softmax(wide, -1), case, what="softmax of entries in the hundreds")
    top = torch.zeros(2, case.cols, dtype=x.dtype)
    top[:, 0] = torch.finfo(x.dtype).max / 4
    expect.close(candidate(top), torch.softmax(top, -1), case, what="softmax of a row with one of the largest numbers")


@SOFTMAX.law(
    "an entry of -inf gets weight 0 and leaves the others right", points=0.25,
    hint="exp(-inf) is 0 by itself: look for a step that makes inf - inf.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols, scale=3.0)
    x = x.masked_fill(~case.mask(case.rows, case.cols), -math.inf)
    expect.close(candidate(x), torch.softmax(x, -1), case, what="softmax with -inf entries")
    expect.close(
        candidate(x.T.contiguous(), dim=0),
        torch.softmax(x, -1).T,
        case,
        what="softmax with -inf entries, dim=0",
    )


@SOFTMAX.law(
    "gradients flow back through it and are right", points=0.25, needs="every row is positive and sums to one",
    hint="Stay with tensor operations from the input to the result.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.rows, case.cols)
    (got,), (expected,) = gradients(candidate, case, x, names=["x"])
    expect.gradient(got, expected, case, what="the gradient with respect to x")
    spread = x * 1e3
    (got,), (expected,) = gradients(candidate, case, spread, names=["x"])
    expect.finite(got, "the gradient for entries in the thousands")
    masked = x.masked_fill(~case.mask(case.rows, case.cols), -math.inf)
    (got,), (expected,) = gradients(candidate, case, masked, names=["x"])
    expect.gradient(got, expected, case, what="the gradient with -inf entries")


@SOFTMAX.probe("plain")
def _(candidate, given):
    return candidate(given.normal(3, 5))


@SOFTMAX.probe("other axis")
def _(candidate, given):
    return candidate(given.normal(2, 3, 5), dim=1)


@SOFTMAX.probe("first axis")
def _(candidate, given):
    return candidate(given.normal(5, 2), dim=0)


@SOFTMAX.probe("large")
def _(candidate, given):
    return candidate(given.normal(3, 5) + 1e4)


@SOFTMAX.probe("very negative")
def _(candidate, given):
    return candidate(given.normal(3, 5) - 1e4)


@SOFTMAX.probe("wide")
def _(candidate, given):
    return candidate(given.normal(3, 5, scale=1e3))


@SOFTMAX.probe("large, other axis")
def _(candidate, given):
    return candidate(given.normal(2, 3, 5) + 1e4, dim=1)


@SOFTMAX.probe("minus infinity")
def _(candidate, given):
    return candidate(torch.where(given.mask(3, 5), given.normal(3, 5), torch.tensor(-math.inf)))


@SOFTMAX.probe("gradient")
def _(candidate, given):
    return candidate.gradients(given.normal(3, 5), cotangents=[given.normal(3, 5)])[1]

"""The laws of causal_average."""

import torch

from autograder.checks import expect
from autograder.checks.against_oracle import gradients
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "01_attention_problem"

AVERAGE = Component(
    "causal_average", CHAPTER, reference.causal_average,
    cases=[Case(seed=121, batch=2, seq=7, d=5), Case(seed=122, dtype=torch.float64, batch=3, seq=5, d=2)],
)  # fmt: skip
_RIGHT = "each output is the mean of its own input and all before it"


def oracle_average(x):
    """The mean of x_0 … x_t by a double loop in float64."""
    batch, seq, _ = x.shape
    out = torch.zeros(x.shape, dtype=torch.float64)
    for row in range(batch):
        for t in range(seq):
            for s in range(t + 1):
                out[row, t] += x[row, s].double() / (t + 1)
    return out.to(x.dtype)


@AVERAGE.law(
    "the first output is the first input, the last one the mean of all", points=0.25,
    hint="Output t averages the t + 1 inputs from 0 to t: one input at the start, all of them at the end.",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.batch, case.seq, case.d)
    output = expect.tensor(candidate(x), shape=x.shape, dtype=x.dtype, what="the output")
    expect.close(output[:, 0], x[:, 0], case, what="the output at position 0")
    expect.close(output[:, -1], x.mean(1), case, what="the output at the last position")


@AVERAGE.law(
    _RIGHT, points=0.5,
    hint="How many inputs has output t seen? That number goes below the sum, and it differs from row to row.",
)  # fmt: skip
def _(candidate, case):
    for sizes in ((case.batch, case.seq, case.d), (1, 1, case.d), (2, 2, 1)):
        x = case.normal(*sizes)
        output = expect.tensor(candidate(x), dtype=x.dtype, what="the output")
        expect.close(output, oracle_average(x), case, what=f"the output for x of shape {sizes}")


@AVERAGE.law(
    "an input reaches its own output and all later ones, and none before", points=0.25,
    hint="Row t may use columns 0 … t: which triangle of the square is that, and does it hold the diagonal?",
)  # fmt: skip
def _(candidate, case):
    x = case.normal(case.batch, case.seq, case.d)
    before = expect.tensor(candidate(x), shape=x.shape, what="the output")
    for place in (case.seq // 2, case.seq - 1):
        moved = x.clone()
        moved[:, place] += 3
        change = (expect.tensor(candidate(moved), shape=x.shape, what="the output") - before).abs().amax(dim=(0, 2))
        small = case.tolerance[1]
        early = [t for t in range(place) if not change[t] <= small]
        expect.true(not early, f"changing the input at position {place} changed the output at {early}, which lies before it.")
        missed = [t for t in range(place, case.seq) if not change[t] > small]
        expect.true(not missed, f"changing the input at position {place} left the output at {missed} as it was.")


@AVERAGE.law(
    "the number of tensor operations does not grow with the length", points=0.5, needs=_RIGHT,
    cases=[Case(seed=123, batch=2, short=11, long=97, d=3)],
    hint="No Python loop over positions: is there one running sum, or one matrix product, that makes all outputs at once?",
)  # fmt: skip
def _(candidate, case):
    short, long = (candidate.measure(case.normal(case.batch, seq, case.d)).operations for seq in (case.short, case.long))
    expect.true(
        long <= short, f"{case.short} positions take {short} tensor operations, {case.long} positions take {long}."
    )  # fmt: skip


@AVERAGE.law(
    "gradients reach x and are right", points=0.25, needs=_RIGHT,
    hint="Stay with tensor operations from the input to the result.",
)  # fmt: skip
def _(candidate, case):
    (got,), (expected,) = gradients(candidate, case, case.normal(case.batch, case.seq, case.d), names=["x"])
    expect.gradient(got, expected, case, what="the gradient with respect to x")


@AVERAGE.probe("plain")
def _(candidate, given):
    return candidate(given.normal(2, 7, 5))


@AVERAGE.probe("three positions")
def _(candidate, given):
    return candidate(given.normal(1, 3, 2))

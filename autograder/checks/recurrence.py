"""The laws of rnn_forward."""

import torch

from autograder.checks import expect
from autograder.checks.against_oracle import gradients
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "01_attention_problem"

RNN = Component(
    "rnn_forward", CHAPTER, reference.rnn_forward, forbids="rnn",
    cases=[
        Case(seed=101, batch=2, seq=5, d_in=3, d_hidden=7),
        Case(seed=102, dtype=torch.float64, batch=3, seq=7, d_in=5, d_hidden=2),
    ],
)  # fmt: skip
_RIGHT = "each state takes in the state before it"


def _given(case, batch, seq, d_in, d_hidden):
    """Inputs and weights of a size that leaves tanh away from its flat ends."""
    x = case.normal(batch, seq, d_in)
    return (
        x,
        case.normal(d_in, d_hidden, scale=d_in**-0.5),
        case.normal(d_hidden, d_hidden, scale=d_hidden**-0.5),
        case.normal(d_hidden, scale=0.5),
    )


def _inputs(case):
    return _given(case, case.batch, case.seq, case.d_in, case.d_hidden)


@RNN.law(
    "the first state is tanh of the first input times w_x, plus b", points=0.5,
    hint="Before the first step there is nothing to remember: the state starts at zeros of shape (batch, d_hidden).",
)  # fmt: skip
def _(candidate, case):
    x, w_x, w_h, b = _inputs(case)
    states = expect.tensor(
        candidate(x, w_x, w_h, b), shape=(case.batch, case.seq, case.d_hidden), dtype=x.dtype, what="the states"
    )
    expect.close(states[:, 0], torch.tanh(x[:, 0] @ w_x + b), case, what="the states at position 0")


@RNN.law(
    _RIGHT, points=0.5,
    hint="h_t = tanh(x_t w_x + h_{t-1} w_h + b): compute the second state by hand from the first and compare.",
)  # fmt: skip
def _(candidate, case):
    x, w_x, w_h, b = _inputs(case)
    states = expect.tensor(candidate(x, w_x, w_h, b), dtype=x.dtype, what="the states")
    expect.close(states, reference.rnn_forward(x, w_x, w_h, b), case, what="the states")
    for sizes in ((1, 3, 2, 1), (2, 1, 3, 5), (1, 2, 1, 3)):
        given = _given(case, *sizes)
        expect.close(candidate(*given), reference.rnn_forward(*given), case, what=f"the states for sizes {sizes}")


@RNN.law(
    "an early input reaches every later state, a late one no earlier state", points=0.25,
    hint="Walk from the first position to the last, and hand each new state on to the next step.",
)  # fmt: skip
def _(candidate, case):
    x, w_x, w_h, b = _inputs(case)
    place = case.seq // 2
    moved = x.clone()
    moved[:, place] += 1
    change = (expect.tensor(candidate(moved, w_x, w_h, b)) - expect.tensor(candidate(x, w_x, w_h, b))).abs()
    expect.tensor(change, shape=(case.batch, case.seq, case.d_hidden), what="the states")
    reach = change.amax(dim=(0, 2))
    expect.true(bool((reach[:place] == 0).all()), f"changing position {place} changed a state before it.")
    missed = [t for t in range(place, case.seq) if reach[t] == 0]
    expect.true(not missed, f"changing position {place} left the states at positions {missed} as they were.")


@RNN.law(
    "each sequence of the batch is on its own", points=0.25, needs=_RIGHT,
    hint="The state has a row for each sequence: no sum or mean may run over the batch.",
)  # fmt: skip
def _(candidate, case):
    x, w_x, w_h, b = _inputs(case)
    together = candidate(x, w_x, w_h, b)
    for row in range(case.batch):
        alone = candidate(x[row : row + 1], w_x, w_h, b)
        expect.close(alone, together[row : row + 1], case, what=f"the states of sequence {row} by itself")


@RNN.law(
    "gradients flow back to the first position and to all three weights", points=0.25, needs=_RIGHT,
    hint="Stay with tensor operations, and keep the state attached from step to step.",
)  # fmt: skip
def _(candidate, case):
    given, names = _inputs(case), ["x", "w_x", "w_h", "b"]
    got, expected = gradients(candidate, case, *given, names=names)
    last = torch.zeros(case.batch, case.seq, case.d_hidden, dtype=case.dtype)
    last[:, -1] = 1
    _, (reach, *_) = candidate.gradients(*given, cotangents=[last])
    expect.true(
        reach is not None and bool((reach[:, 0] != 0).any()),
        "the last state sends no gradient back to the first position: the path is cut between two steps.",
        rule="not-differentiable",
    )
    for name, g, e in zip(names, got, expected, strict=True):
        expect.gradient(g, e, case, what=f"the gradient with respect to {name}")


@RNN.probe("plain")
def _(candidate, given):
    return candidate(*_given(given, 2, 5, 3, 7))


@RNN.probe("first step")
def _(candidate, given):
    return candidate(*_given(given, 3, 1, 5, 2))


@RNN.probe("second step")
def _(candidate, given):
    return candidate(*_given(given, 1, 2, 3, 5))

"""What is checked of rnn_forward."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect


def draw(case: Case) -> Drawn:
    """Inputs and weights of a size that leaves tanh away from its flat ends."""
    d_in, d_hidden = case.d_in, case.d_hidden
    return Drawn({
        "x": case.normal(case.batch, case.seq, d_in),
        "w_x": case.normal(d_in, d_hidden, scale=d_in**-0.5),
        "w_h": case.normal(d_hidden, d_hidden, scale=d_hidden**-0.5),
        "b": case.normal(d_hidden, scale=0.5),
    })  # fmt: skip


COMPONENT = Component(
    draw,
    cases=Case.table(101, "batch seq d_in d_hidden", (2, 5, 3, 7), (3, 7, 5, 2)),
    parts=("the states",),
    forbids="rnn",
    probes=Probe.table(
        draw, "batch seq d_in d_hidden", {"plain": (2, 5, 3, 7), "first step": (3, 1, 5, 2), "second step": (1, 2, 3, 5)}
    ),
)


@COMPONENT.law(points=0.25)
def first_state(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """The first state is tanh of the first input times w_x, plus b

    Before the first step there is nothing to remember: what is left of the formula then, for each sequence of the batch?
    """
    x, w_x, _, b = drawn.inputs.values()
    expect.close(candidate.use(drawn)[:, 0], torch.tanh(x[:, 0] @ w_x + b), "the states at position 0")


@COMPONENT.law(points=0.25)
def takes_in_x(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """The states change with the inputs, and the same inputs give the same states

    What stands for each step: which input, which state, which weights? Is a number drawn anew that should be fixed?
    """
    first, second = candidate.repeat(drawn)
    expect.close(second, first, "the states of a second call with the same inputs")
    moved = drawn.with_inputs(x=drawn.inputs["x"] + 1)
    expect.true(bool(((candidate.use(moved) - first).abs() > 1e-6).any()), "all inputs changed, and no state did.")


@COMPONENT.law(points=0.5, needs=takes_in_x)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Each state takes in the state before it, as PyTorch's own recurrent network does

    h_t = tanh(x_t w_x + h_{t-1} w_h + b): compute the second state by hand from the first and compare.
    """
    agree(candidate, drawn)
    agree(candidate, draw(case.at(batch=1, seq=30)), "of a long sequence")
    agree(candidate, drawn.with_inputs(x=drawn.inputs["x"] * 100), "for very large inputs, where tanh is flat")


add_common(COMPONENT, takes_in_x)

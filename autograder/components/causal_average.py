"""What is checked of causal_average."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect
from utils.reference import observed


def draw(case: Case) -> Drawn:
    return Drawn({"x": case.normal(case.batch, case.seq, case.d)})


@observed.component
def oracle_average(x: torch.Tensor) -> torch.Tensor:
    """The mean of x_0 … x_t in float64, one output at a time."""
    means = [x[:, : t + 1].double().sum(1) / (t + 1) for t in range(x.shape[1])]
    return torch.stack(means, dim=1).to(x.dtype)


COMPONENT = Component(
    draw,
    cases=Case.table(121, "batch seq d", (2, 7, 5), (3, 5, 2)),
    parts=("the output",),
    probes=Probe.table(draw, "batch seq d", {"plain": (2, 7, 5), "three positions": (1, 3, 2)}),
    oracle=oracle_average,
)


@COMPONENT.law(points=0.25)
def mixes_inputs(candidate: Candidate, case: Case) -> None:
    """An output takes in more than one number, and the same input gives the same output

    Output t is a sum over several inputs, divided by how many they are. Which axis does the sum run along?
    """
    drawn, place = draw(case), case.seq // 2
    first, second = candidate.repeat(drawn)
    expect.close(second, first, "the output of a second call with the same input")
    moved = drawn.inputs["x"].clone()
    moved[0, place, 0] += 3
    change = (candidate.use(drawn.with_inputs(x=moved)) - first).abs()
    change[0, place, 0] = 0
    expect.true(bool((change > 1e-3).any()), f"x{[0, place, 0]} changed, and no other entry of the output changed with it.")


@COMPONENT.law(points=0.5, needs=mixes_inputs)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Each output is the mean of its own input and all before it

    Write down for output 0, output 1 and the last one which inputs they take in, and how many these are.
    """
    agree(candidate, drawn)
    zeros = drawn.with_inputs(x=drawn.inputs["x"] * (drawn.inputs["x"] > 0))
    agree(candidate, zeros, "where some inputs are 0")
    agree(candidate, draw(case.at(seq=300)), "of a long sequence")


@COMPONENT.law(points=0.25, needs=mixes_inputs, cases=[Case(seed=123, batch=2, short=11, long=97, d=3)])
def all_at_once(candidate: Candidate, case: Case) -> None:
    """The number of tensor operations does not grow with the length

    No output waits for another one. Can the same few operations make all of them, however many there are?
    """
    short, long = (candidate.measure(draw(case.at(seq=seq))).operations for seq in (case.short, case.long))
    told = f"{case.short} positions take {short} tensor operations, {case.long} positions take {long}."
    expect.true(long <= short, told, "position-by-position")


add_common(COMPONENT, mixes_inputs)

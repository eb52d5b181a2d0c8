"""What is checked of SwiGLU."""

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, modules, sizes_and_device


def draw(case: Case) -> Drawn:
    up, down = (case.d_model, case.d_ff), (case.d_ff, case.d_model)
    state = modules.linear_state(case, bias=False, w_gate=up, w_up=up, w_down=down)
    return Drawn({"x": case.normal(case.batch, case.seq, case.d_model, scale=2.0)}, {}, (case.d_model, case.d_ff), state=state)


def given(**sizes: int) -> Probe:
    return modules.probe(draw, {"batch": 2, "seq": 3, "d_model": 5, "d_ff": 7} | sizes)


COMPONENT = Component(
    draw,
    cases=Case.table(561, "batch seq d_model d_ff", (3, 5, 7, 11), (2, 3, 5, 3)),
    parts=("the output",),
    probes={"plain": given(), "as wide as deep": given(d_ff=5), "one position": given(batch=1, seq=1)},
)
has_exactly = modules.has_exactly(
    COMPONENT, 0.0, "Its parameters are w_gate, w_up and w_down, without biases",
    "Three layers with these names, made in the constructor: which of them goes back to d_model?",
)  # fmt: skip


@COMPONENT.law(points=0.0, needs=has_exactly)
def w_down_comes_last(candidate: Candidate, case: Case) -> None:
    """Twice w_down is twice the output, and no position of numbers becomes one of zeros

    Which of the three layers is the last, and what is done to its result?
    """
    modules.scales(candidate, draw(case), "w_down.weight", "the output")


@COMPONENT.law(points=0.25, needs=w_down_comes_last)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """It agrees with the formula, for any leading axes

    Two branches, one product, one way back: which branch goes through silu? Work out one feature by hand.
    """
    agree(candidate, drawn)
    agree(candidate, drawn.with_inputs(x=drawn.inputs["x"][0, 0]), "of a single position without further axes")
    sizes_and_device(candidate, case, draw)


add_common(COMPONENT, w_down_comes_last, any_size=False)

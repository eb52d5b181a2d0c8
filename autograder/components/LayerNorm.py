"""What is checked of LayerNorm."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, modules


def draw(case: Case, scale: float = 1.0, shift: float | None = None) -> Drawn:
    """Rows of one layer with weights of its own; `scale` is how far the entries of a row lie apart."""
    x = case.normal(case.batch, case.seq, case.d_model, scale=scale) + (0.5 * scale if shift is None else shift)
    state = {"weight": case.normal(case.d_model) + 2.0, "bias": case.normal(case.d_model)}
    return Drawn({"x": x}, {}, (case.d_model,), state=state)


def given(scale: float = 1.0, d_model: int = 5) -> Probe:
    return modules.probe(lambda case: draw(case, scale), {"batch": 2, "seq": 3, "d_model": d_model})


COMPONENT = Component(
    draw,
    cases=Case.table(501, "batch seq d_model", (3, 5, 7), (2, 3, 11)),
    parts=("the normalised rows",),
    forbids="norm",
    probes={"plain": given(), "many features": given(d_model=13), "small spread": given(0.003), "tiny spread": given(1e-4)},
)


has_exactly = modules.has_exactly(
    COMPONENT, 0.25, "Its parameters are weight and bias, one number a feature, and start with ones and zeros",
    "As it is built the layer only normalises: which numbers leave the rows as they are?", starts={"weight": 1.0, "bias": 0.0},
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=has_exactly)
def levels_rows(candidate: Candidate, case: Case) -> None:
    """A row keeps the order of its entries, and a number added to all of them changes nothing

    What is taken away from a row, and along which axis is that measured?
    """
    drawn = modules.unloaded(draw(case))
    x, found = drawn.inputs["x"], candidate.use(drawn)
    expect.equal(found.argsort(-1), x.argsort(-1), "the entries of each row in the order of their size, as built")
    rows = torch.arange(case.seq)[:, None].to(x.dtype)
    expect.close(candidate.use(drawn.with_inputs(x=x + rows)), found, "the rows after a number was added to each, as built")


@COMPONENT.law(points=0.25, needs=levels_rows)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """It agrees with PyTorch's own layer, with any weight and bias

    Mean, variance, root, then weight and bias: compute the worked row above by hand, step by step.
    """
    agree(candidate, drawn)
    agree(candidate, drawn.with_inputs(x=drawn.inputs["x"][0, 0]), "of a single row without further axes")
    agree(candidate, drawn.with_inputs(x=drawn.inputs["x"][None] * 100), "of rows with four axes and large entries")


@COMPONENT.law(points=0.25, needs=levels_rows, edge=True)
def small_spread(candidate: Candidate, case: Case) -> None:
    """Rows of nearly equal entries come out right, and constant ones stay finite

    There `eps` is as large as the variance: what exactly is it added to?
    """
    for scale in (0.003, 1e-4):
        agree(candidate, draw(case, scale), f"where entries lie {scale:g} apart")
    expect.finite(candidate.use(draw(case, 0.0, 3.0)), "the rows of equal entries")


add_common(COMPONENT, levels_rows, ("batch", "seq"))

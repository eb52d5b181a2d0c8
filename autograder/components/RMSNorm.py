"""What is checked of RMSNorm."""

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, modules, sizes_and_device


def draw(case: Case, scale: float = 1.0) -> Drawn:
    x = case.normal(case.batch, case.seq, case.d_model, scale=scale) + 0.5 * scale
    return Drawn({"x": x}, {}, (case.d_model,), state={"weight": case.normal(case.d_model) + 2.0})


def given(scale: float = 1.0, d_model: int = 5) -> Probe:
    return modules.probe(lambda case: draw(case, scale), {"batch": 2, "seq": 3, "d_model": d_model})


COMPONENT = Component(
    draw,
    cases=Case.table(551, "batch seq d_model", (3, 5, 7), (2, 3, 11)),
    parts=("the normalised rows",),
    forbids="norm",
    probes={"plain": given(), "many features": given(d_model=13), "small": given(1e-3)},
)


has_exactly = modules.has_exactly(
    COMPONENT, 0.0, "Its one parameter is weight, one number a feature, and starts with ones",
    "As it is built the layer only normalises, and there is nothing that it adds.", starts={"weight": 1.0},
)  # fmt: skip


@COMPONENT.law(points=0.0, needs=has_exactly)
def weight_scales(candidate: Candidate, case: Case) -> None:
    """Twice the weight is twice the result, and no row of numbers becomes a row of zeros

    Where does the weight come in: before the row is measured, or behind it?
    """
    modules.scales(candidate, draw(case), "weight", "the result")


@COMPONENT.law(points=0.25, needs=weight_scales)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """It agrees with PyTorch's own layer, for rows of any size and any leading axes

    Square, mean, root: over which axis, and what is added before the root?
    """
    agree(candidate, drawn)
    agree(candidate, drawn.with_inputs(x=drawn.inputs["x"][0, 0]), "of a single row without further axes")
    for scale in (1e-3, 100.0):
        agree(candidate, draw(case, scale), f"of entries near {scale:g}")
    sizes_and_device(candidate, case, draw, ("batch", "seq"))


add_common(COMPONENT, weight_scales, any_size=False)

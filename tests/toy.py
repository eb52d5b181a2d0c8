"""A toy course of two components, `double` and `quadruple`, for the tests of the framework."""

import torch

from autograder.framework.authoring import Case, Component, Drawn, Probe, expect
from autograder.shared_laws.agreement import agree, any_size_and_device, gradients_arrive, keeps_precision, refused
from utils.manifest import load

MANIFEST = """
[course]
name = "toy"
title = "A toy course"
python = "3.11"
instant_feedback = true

[[chapter]]
id = "01_toy"
title = "Doubling"
minutes = 40
reading = 10
seconds = 60
prerequisites = []

[[chapter.exercise]]
id = "double"
points = 2
minutes = 10
difficulty = 1
importance = 3
hints = ["a", "b", "c"]

[[chapter.exercise]]
id = "quadruple"
points = 2
minutes = 10
difficulty = 1
importance = 3
needs = ["double"]
hints = ["a", "b", "c"]

[chapter.quiz]
minutes = 5

[chapter.written]
points = 2
minutes = 5
"""
HIDDEN = """
CASES = {
    "double": [{"seed": 5, "dtype": "float64", "batch": 13, "seq": 2}],
    "double.far": [{"seed": 6, "factor": 1000}],
}
"""


def make(root):
    """Writes the course below `root` and returns its manifest."""
    (root / "course.toml").write_text(MANIFEST)
    folder = root / "solutions" / "01_toy"
    folder.mkdir(parents=True)
    (folder / "hidden_checks.py").write_text(HIDDEN)
    return load(root)


def double(x, times=2):
    if times < 1:
        raise ValueError(f"times={times} is below 1")
    return x * times


def quadruple(x):
    return double(double(x))


def draw(case):
    return Drawn({"x": case.normal(case.batch, case.seq)})


def double_component():
    """A component with a law of each kind."""
    component = Component(
        draw,
        name="double",
        cases=[Case(seed=1, batch=3, seq=5), Case(seed=2, batch=2, seq=7)],
        probes={"plain": Probe(draw_probe), "gradient": Probe(draw_probe, gradient=True)},
        oracle=double,
    )

    @component.law(points=0.25)
    def sign(candidate, case):
        """Every entry keeps its sign

        What does doubling do to a negative number?
        """
        drawn = draw(case)
        expect.equal(candidate.use(drawn).sign(), drawn.inputs["x"].sign(), "the signs")

    @component.law(points=0.5, needs=sign)
    def agrees(candidate, case):
        """Every entry is doubled

        Add it to itself.
        """
        agree(candidate, draw(case))

    @component.law(points=0.25, needs=sign, cases=[Case(seed=3, factor=10)])
    def far(candidate, case):
        """Large entries are doubled too

        Is there a limit in the code?
        """
        agree(candidate, Drawn({"x": case.normal(4) * case.factor}))

    @component.law(points=0.25, needs=sign, edge=True)
    def refuses(candidate, case):
        """A number of times below 1 is refused

        The message names it.
        """
        refused(candidate, draw(case).with_options(times=0), {"times": 0})

    component.add(any_size_and_device(component, 0.25, sign))
    component.add(keeps_precision(component, 0.0, sign))
    component.add(gradients_arrive(component, 0.25, sign))
    return component


def draw_probe(case):
    return Drawn({"x": case.normal(2, 3)})


def answers():
    """Right and wrong answers to `double`, by what they are."""

    def halves(x, times=2):
        return double(x, times) / 4

    def no_return(x, times=2):
        double(x, times)

    def raises(x, times=2):
        return x.no_such_method(times)

    def stub(x, times=2):
        raise NotImplementedError

    def in_place(x, times=2):
        doubled = double(x, times)
        with torch.no_grad():
            x *= times
        return doubled

    def detached(x, times=2):
        return double(x.detach(), times)

    def partly_detached(x, times=2):
        return x + (double(x, times) - x).detach()

    def asserts(x, times=2):
        assert times > 0
        return x * times

    def squeezes(x, times=2):
        return double(x, times).squeeze()

    def on_the_cpu(x, times=2):
        double(x, times)
        return x * torch.full(x.shape, float(times), dtype=x.dtype)

    def in_float32(x, times=2):
        return double(x.float(), times).to(x.dtype)

    def in_double(x, times=2):
        return double(x.double(), times)

    def limited(x, times=2):
        return double(x, times).clamp(-5, 5)

    def fixed(x, times=2):
        doubled = double(x, times)
        return doubled if x.shape[0] != 13 else x.clone()

    def integers(x, times=2):
        return double(x, times).long()

    return {name: value for name, value in locals().items() if callable(value)}

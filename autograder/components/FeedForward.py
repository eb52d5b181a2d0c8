"""What is checked of FeedForward."""

from autograder.shared_laws import dropout, modules
from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, sizes_and_device


def draw(case: Case, scale: float = 1.0) -> Drawn:
    state = modules.linear_state(case, linear1=(case.d_model, case.d_ff), linear2=(case.d_ff, case.d_model))
    x = case.normal(case.batch, case.seq, case.d_model, scale=scale)
    return Drawn({"x": x}, {}, (case.d_model, case.d_ff), state=state)


def given(scale: float = 1.0, **settings: float) -> Probe:
    return modules.probe(lambda case: draw(case, scale), {"batch": 2, "seq": 3, "d_model": 5, "d_ff": 7}, **settings)


COMPONENT = Component(
    draw,
    cases=Case.table(511, "batch seq d_model d_ff", (3, 5, 7, 11), (2, 3, 5, 3)),
    parts=("the output",),
    probes={"plain": given(), "far from 0": given(4.0), "dropout in evaluation": given(dropout=0.5)},
)
has_exactly = modules.has_exactly(
    COMPONENT, 0.25, "Its parameters are those of linear1 and linear2",
    "Two linear layers with biases, made in the constructor: from which size to which?",
)  # fmt: skip


@COMPONENT.law(points=0.0, needs=has_exactly)
def linear2_comes_last(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """A number added to the bias of linear2 is added to the output

    Which of the two layers is the last, and what is done to its result?
    """
    moved = candidate.use(modules.changed(drawn, "linear2.bias", lambda b: b + 1.5))
    expect.close(moved, candidate.use(drawn) + 1.5, "the output after 1.5 was added to the bias of linear2")


@COMPONENT.law(points=0.25, needs=linear2_comes_last)
def agrees(candidate: Candidate, case: Case) -> None:
    """It agrees with PyTorch's own layers, at every position alike

    Up, ReLU, down: which numbers does the middle step change, and into what?
    """
    agree(candidate, draw(case))
    agree(candidate, draw(case, 5.0), "for large inputs")
    modules.same_again(candidate, draw(case), "the output")
    sizes_and_device(candidate, case, draw)


@COMPONENT.law(points=0.25, needs=linear2_comes_last, edge=True)
def dropout_in_training_alone(candidate: Candidate, case: Case) -> None:
    """Dropout acts in training and nowhere else

    A layer that knows whether the model is in training does this by itself: which one, and where does it stand?
    """
    dropout.in_training(candidate, draw(case), 0.5)


add_common(COMPONENT, linear2_comes_last, any_size=False)

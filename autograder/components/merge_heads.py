"""What is checked of merge_heads."""

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, heads


def draw(case: Case) -> Drawn:
    return Drawn({"x": case.normal(case.batch, case.num_heads, case.seq, case.d_head)})


COMPONENT = Component(
    draw,
    cases=Case.table(421, "batch num_heads seq d_head", (2, 3, 5, 7), (3, 7, 2, 5)),
    parts=("the merged heads",),
    forbids="attention",
    probes=Probe.table(draw, "batch num_heads seq d_head", {"plain": (2, 3, 5, 4), "one position": (1, 2, 1, 3)}),
)
loses_nothing = heads.loses_nothing(COMPONENT)


@COMPONENT.law(points=0.5)
def agrees(candidate: Candidate, case: Case) -> None:
    """The heads come out side by side, so that it undoes split_heads

    An output row belongs to one position: which numbers of x belong to it, and in which order? Undo what split_heads does.
    """
    agree(candidate, draw(case))


add_common(COMPONENT, loses_nothing, gradients=False)

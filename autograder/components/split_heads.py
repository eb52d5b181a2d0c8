"""What is checked of split_heads."""

from autograder.words import Candidate, Case, Component, Drawn, Probe, agree, heads, keeps_precision, refused, sizes_and_device


def draw(case: Case, num_heads: int | None = None, d_model: int | None = None) -> Drawn:
    d_model = d_model or case.num_heads * case.d_head
    return Drawn({"x": case.normal(case.batch, case.seq, d_model), "num_heads": num_heads or case.num_heads})


COMPONENT = Component(
    draw,
    cases=Case.table(411, "batch seq num_heads d_head", (2, 5, 3, 7), (3, 2, 5, 11)),
    parts=("the heads",),
    forbids="attention",
    probes=Probe.table(draw, "batch seq num_heads d_head", {"plain": (2, 5, 3, 2), "one position": (1, 1, 2, 3)}),
)
loses_nothing = heads.loses_nothing(COMPONENT)


@COMPONENT.law(points=0.5)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Head h holds the features from h·d_head up to (h + 1)·d_head, at every position

    Take one position: which of its features belong to which head? Then say for each axis of the result what it counts.
    """
    agree(candidate, drawn)
    for num_heads in (1, drawn.inputs["x"].shape[-1]):
        agree(candidate, draw(case, num_heads), f"with num_heads={num_heads}")
    sizes_and_device(candidate, case, draw)


COMPONENT.add(keeps_precision(COMPONENT, 0.25, loses_nothing))


@COMPONENT.law(points=0.25, edge=True)
def refuses_uneven_heads(candidate: Candidate, case: Case) -> None:
    """A number of heads that does not divide d_model is refused

    Look at the sizes before anything is cut. The error's message should help whoever reads it: which sizes do not fit?
    """
    for sizes in heads.uneven(case):
        refused(candidate, draw(case, sizes["num_heads"]), sizes, "x", proves="no-divisibility-check")

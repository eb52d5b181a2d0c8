"""What is checked of box_iou."""

import torch

from autograder.shared_laws.agreement import agree, gradients_agree, gradients_finite, precision, settled, sizes_and_device
from autograder.words import Candidate, Case, Component, Drawn, Probe, expect


def boxes(case: Case, count: int) -> torch.Tensor:
    """Boxes with sides from 1 to 3 in a field of 4 x 4, some left of or above 0: some pairs meet, some do not."""
    corner, side = case.uniform(-2.0, 2.0, count, 2), case.uniform(1.0, 3.0, count, 2)
    return torch.cat([corner, corner + side], dim=1)


def draw(case: Case) -> Drawn:
    return Drawn({"a": boxes(case, case.n), "b": boxes(case, case.m)})


def of(a: list, b: list) -> Drawn:
    return Drawn({"a": torch.tensor(a, dtype=torch.float32).view(-1, 4), "b": torch.tensor(b, dtype=torch.float32).view(-1, 4)})


def given(*b: tuple[float, float, float, float]) -> Probe:
    return Probe(lambda case: of([(0, 0, 4, 2), (1, -1, 3, 5)], list(b)))


COMPONENT = Component(
    draw,
    cases=Case.table(881, "n m", (5, 7), (11, 3)),
    parts=("the overlaps",),
    probes={
        "overlapping": given((1, 1, 5, 3), (2, 0, 5, 1)),
        "contained": given((1, 0, 2, 1), (0, -2, 5, 6)),
        "apart in one direction": given((5, 0, 7, 1), (-4, 1, -2, 2)),
        "apart in both": given((6, 7, 9, 8), (-5, -7, -1, -4)),
        "touching": given((4, 0, 5, 2), (3, 5, 6, 7)),
        "empty": Probe(lambda case: of([(1, 1, 1, 3), (2, 2, 2, 2)], [(1, 1, 1, 3), (2, 2, 2, 2), (5, 5, 5, 5)])),
    },
)


@COMPONENT.law(points=0.25)
def more_overlap_more(candidate: Candidate, case: Case) -> None:
    """The further a box is moved away from another, the smaller their number, row by row and column by column

    For two boxes that do overlap: which corners does the rectangle have that they share, and what is its area?
    """
    a = boxes(case, case.n)
    moved = torch.stack([a + share * (a[:, 2:] - a[:, :2]).repeat(1, 2) for share in (0.0, 0.2, 0.4, 0.6)])
    found = torch.stack([candidate.use(Drawn({"a": a, "b": b})).diagonal() for b in moved])
    ordered = bool((found[-1] > 0).all()) and bool((found[:-1] > found[1:]).all())
    told = f"the {len(a)} boxes and the same ones moved by 0, 20, 40 and 60 % of their sides have the numbers {found.tolist()}."
    expect.true(ordered, told)


@COMPONENT.law(points=0.25, needs=more_overlap_more)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Every pair has its shared area divided by the area that the two cover together; apart it is 0

    Draw three pairs: one overlaps, one has a box inside the other, one lies apart. What are the sides of the shared part in each?
    """
    agree(candidate, drawn)
    agree(candidate, of([(0, 0, 8, 4)], [(1, 1, 2, 2), (0, 0, 8, 4), (-1, -1, 9, 5)]), "of one box inside the other")
    outside = of([(0, 0, 2, 2)], [(2, 0, 3, 2), (2, 2, 4, 4), (3, 0, 5, 2), (3, 3, 5, 5), (-6, -6, -1, -1)])
    agree(candidate, outside, "of boxes that touch or lie apart")
    sizes_and_device(candidate, case, draw)
    for n, m in ((0, case.m), (case.n, 0), (0, 0)):
        candidate.use(Drawn({"a": boxes(case, n), "b": boxes(case, m)}))
    if settled(candidate, drawn):
        agree(
            candidate, drawn.with_inputs(**{name: x / 1000 for name, x in drawn.inputs.items()}), "of boxes 1000 times as small"
        )
    precision(candidate, case, draw)


@COMPONENT.law(points=0.25, needs=more_overlap_more)
def empty_union(candidate: Candidate, case: Case) -> None:
    """Where the union is empty it is 0, and gradients are right, and finite there as well

    Two boxes without area cover nothing together: what is divided by what? `where` hides a NaN; its gradient is still one.
    """
    gradients_agree(candidate, draw(case))
    flat, point = (1, 1, 1, 3), (2, 2, 2, 2)
    for drawn, where in (
        (of([flat, point], [flat, point]), "of boxes without area"),
        (of([flat], [(0, 1, 4, 1)]), "of two lines that cross"),
    ):
        found = candidate.use(drawn)
        expect.close(found, torch.zeros_like(found), f"the overlaps {where}")
        gradients_finite(candidate, drawn, where)

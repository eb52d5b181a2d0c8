"""What is checked of patchify."""

from autograder.shared_laws.agreement import agree, gradients_agree, precision, refused, sizes_and_device
from autograder.words import Candidate, Case, Component, Drawn, Probe, expect


def draw(case: Case, more: tuple[int, int] = (0, 0)) -> Drawn:
    """Pictures of `rows` x `columns` patches, and `more` than that."""
    height, width = case.rows * case.patch_size + more[0], case.columns * case.patch_size + more[1]
    return Drawn({"images": case.normal(case.batch, case.channels, height, width), "patch_size": case.patch_size})


COMPONENT = Component(
    draw,
    cases=Case.table(861, "batch channels rows columns patch_size", (2, 3, 2, 5, 3), (3, 2, 7, 3, 2)),
    parts=("the patches",),
    forbids="unfold",
    probes=Probe.table(draw, "batch channels rows columns patch_size", {
        "plain": (2, 3, 2, 3, 2), "one channel": (2, 1, 3, 2, 2), "one patch": (2, 2, 1, 1, 3), "pixels": (2, 2, 2, 3, 1),
    }),
)  # fmt: skip


@COMPONENT.law(points=0.25)
def loses_nothing(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Every number of a picture comes out once, as it went in, and its gradient finds the way back

    The numbers change their places and nothing else: rearrange the picture with tensor operations.
    """
    images, got = drawn.inputs["images"], candidate.use(drawn)
    expect.equal(got.flatten(1).sort().values, images.flatten(1).sort().values, "the numbers of each picture in order of size")
    gradients_agree(candidate, drawn)
    precision(candidate, case, draw)


@COMPONENT.law(points=0.25, needs=loses_nothing)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Patches go row by row; inside one it is channel by channel, row by row

    Take two patches of one channel: which index runs fastest, which next? Say of each axis of your tensors what it counts.
    """
    agree(candidate, drawn)
    turned = drawn.with_inputs(images=case.normal(case.batch, case.channels, *drawn.inputs["images"].shape[:1:-1]).mT)
    agree(candidate, turned, "of images that are a transposed view")
    sizes_and_device(candidate, case, draw)


@COMPONENT.law(points=0.25, edge=True)
def refuses_other_sizes(candidate: Candidate, case: Case) -> None:
    """Pictures whose height or width patch_size does not divide are refused

    Look at both sides before anything is cut. The error's message names patch_size and what it does not divide.
    """
    square = case.at(rows=case.patch_size)  # here the area may divide where a side does not
    for drawn in (draw(case, (1, 0)), draw(case, (0, case.patch_size - 1)), draw(case, (1, 1)), draw(square, (0, 1))):
        height, width = drawn.inputs["images"].shape[-2:]
        refused(candidate, drawn, {"patch_size": case.patch_size, "height": height, "width": width}, "images")

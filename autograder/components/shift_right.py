"""What is checked of shift_right."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, agree, any_size_and_device, expect


def draw(case: Case, bos_id: int | None = None) -> Drawn:
    return Drawn({"targets": case.integers(4, 50, case.batch, case.seq), "bos_id": 2 if bos_id is None else bos_id})


COMPONENT = Component(
    draw,
    cases=Case.table(701, "batch seq", (3, 7), (2, 5)),
    parts=("the decoder's input",),
    probes=Probe.table(draw, "batch seq", {"plain": (2, 5), "one token": (3, 1)}),
)


@COMPONENT.law(points=0.25)
def begins_with_bos(candidate: Candidate, case: Case) -> None:
    """Every row begins with bos

    What does the decoder see before it has written anything?
    """
    found = candidate.use(draw(case, 3))
    expect.equal(found[:, 0], torch.full_like(found[:, 0], 3), "the first column for bos_id=3")


@COMPONENT.law(points=0.25, needs=begins_with_bos)
def agrees(candidate: Candidate, case: Case) -> None:
    """Behind bos come the targets, without their last token

    Write out both rows for the targets 7 8 9: what is seen at the place where 8 is to be predicted?
    """
    for bos_id in (2, 0, 60):
        agree(candidate, draw(case, bos_id), f"for bos_id={bos_id}")
    narrow = draw(case)
    found = candidate.raw(narrow.with_inputs(targets=narrow.inputs["targets"].to(torch.int32)))
    expect.form(found, narrow.inputs["targets"], "the decoder's input of int32 targets")


COMPONENT.add(any_size_and_device(COMPONENT, 0.25, begins_with_bos))

"""What is checked of EncoderBlock."""

import torch

from autograder.framework.authoring import Candidate, Case, Component, Drawn, Probe, expect
from autograder.shared_laws import blocks, dropout, modules
from autograder.shared_laws.agreement import add_common, agree, proving, settled


def draw(case: Case, mask: torch.Tensor | None = None) -> Drawn:
    d_model = case.num_heads * case.d_head
    x = case.normal(case.batch, case.seq, d_model)
    sizes = (d_model, case.num_heads, case.d_ff)
    return Drawn({"x": x}, {} if mask is None else {"mask": mask}, sizes, state=blocks.state(case, ("self_attention",), 2))


def given(*mask: int, **settings: float) -> Probe:
    sizes = {"batch": 2, "seq": 4, "num_heads": 2, "d_head": 3, "d_ff": 7}
    return modules.probe(lambda case: draw(case, case.mask(*mask) if mask else None), sizes, **settings)


COMPONENT = Component(
    draw,
    cases=Case.table(521, "batch seq num_heads d_head d_ff", (3, 5, 2, 5, 13), (2, 7, 3, 4, 5)),
    parts=("the output",),
    forbids="blocks",
    probes={
        "post-norm": given(),
        "pre-norm": given(norm_first=True),
        "masked": given(2, 1, 4),
        "masked, pre-norm": given(4, 4, norm_first=True),
        "dropout in evaluation": given(dropout=0.5),
    },
)
has_exactly = modules.has_exactly(
    COMPONENT, 0.25, "Its parameters are those of self_attention, feed_forward, norm1 and norm2",
    "Four parts with these names, made in the constructor: compare with the drawing above.",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=has_exactly)
def every_part_has_a_say(candidate: Candidate, case: Case) -> None:
    """Both sublayers and the input have a say at every position

    Follow x through the block: is each sublayer's result used?
    """
    layers = ("self_attention.w_v.weight", "self_attention.w_o.weight", "feed_forward.linear2.weight")
    blocks.every_part_has_a_say(candidate, draw(case), layers)


@COMPONENT.law(points=0.75, needs=every_part_has_a_say)
def agrees(candidate: Candidate, case: Case) -> None:
    """Post-norm, it agrees with PyTorch's own block

    Sublayer, add, norm, twice over: which norm stands behind which sublayer, and what is added to what?
    """
    agree(candidate, draw(case))
    modules.same_again(candidate, draw(case), "the output")


@COMPONENT.law(points=0.25, needs=every_part_has_a_say)
def agrees_norm_first(candidate: Candidate, case: Case) -> None:
    """With norm_first=True it agrees with PyTorch's own block

    Now what goes into a sublayer is normalised, and what goes round it is not: where does the norm stand?
    """
    agree(candidate, blocks.first(draw(case)))


@COMPONENT.law(points=0.25, needs=every_part_has_a_say)
def masks_reach_the_attention(candidate: Candidate, case: Case) -> None:
    """What a mask forbids has no influence, with masks of two and of three axes

    The block itself looks at nobody: which of its parts needs the mask?
    """
    place = case.seq - 1
    seen = torch.ones(case.seq, case.seq, dtype=torch.bool)
    seen[:, place] = False
    seen[place, place] = True
    drawn = draw(case, seen)
    output, x = candidate.use(drawn), drawn.inputs["x"].clone()
    x[:, place] = case.normal(*x[:, place].shape, scale=3.0)
    with proving("mask-ignored"):
        changed = candidate.use(drawn.with_inputs(x=x))[:, :place]
        expect.close(changed, output[:, :place], "the output of other positions after a masked one was changed")
    if settled(candidate, draw(case)):
        for shape in ((case.seq, case.seq), (case.batch, 1, case.seq), (case.batch, case.seq, case.seq)):
            blocks.both_orders(candidate, draw(case, case.mask(*shape)), f"with a mask of shape {shape}")
        blocks.both_orders(candidate, draw(case, torch.zeros(1, case.seq, dtype=torch.bool)), "where nobody sees anything")


dropout.add_in_training_alone(
    COMPONENT, every_part_has_a_say,
    "Which of your parts take the rate, and which of them know whether the block is in training?", draw,
    {"self_attention": "w_o", "feed_forward": "linear2"},
)  # fmt: skip
add_common(COMPONENT, every_part_has_a_say, learning=lambda case: [draw(case), blocks.first(draw(case))])

"""What is checked of EncoderBlock."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, blocks, modules


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


every_part_has_a_say = blocks.every_part_has_a_say(
    COMPONENT, has_exactly, "Both sublayers and the input have a say at every position",
    "Follow x through the block: is each sublayer's result used?",
    ("self_attention.w_v.weight", "self_attention.w_o.weight", "feed_forward.linear2.weight"),
)  # fmt: skip
blocks.add_agreement(
    COMPONENT, every_part_has_a_say, 0.75,
    "Sublayer, add, norm, twice over: which norm stands behind which sublayer, and what is added to what?",
    "With norm_first=True it agrees with PyTorch's own block",
    "Now what goes into a sublayer is normalised, and what goes round it is not: where does the norm stand?",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=every_part_has_a_say)
def masks_reach_the_attention(candidate: Candidate, case: Case) -> None:
    """What a mask forbids has no influence, with masks of two and of three axes

    The block itself looks at nobody: which of its parts needs the mask?
    """
    place = case.seq - 1
    seen = torch.arange(case.seq) < place
    blocks.hides_what_is_behind(candidate, case, draw(case, seen | torch.eye(case.seq, dtype=torch.bool)), place)
    blocks.masks_of_every_shape(candidate, case, draw(case), "mask", case.seq)


blocks.add_common(COMPONENT, every_part_has_a_say, {"self_attention": "w_o", "feed_forward": "linear2"})

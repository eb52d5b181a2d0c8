"""What is checked of DecoderBlock."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, blocks, expect, masks, modules, proving


def draw(case: Case, self_mask: torch.Tensor | None = None, memory_mask: torch.Tensor | None = None) -> Drawn:
    d_model = case.num_heads * case.d_head
    inputs = {"x": case.normal(case.batch, case.seq, d_model), "memory": case.normal(case.batch, case.k_len, d_model)}
    options = {name: mask for name, mask in (("self_mask", self_mask), ("memory_mask", memory_mask)) if mask is not None}
    sizes = (d_model, case.num_heads, case.d_ff)
    return Drawn(inputs, options, sizes, state=blocks.state(case, ("self_attention", "cross_attention"), 3))


def given(causal: bool = False, masked: bool = False, k_len: int = 5, **settings: float) -> Probe:
    def drawn(case: Case) -> Drawn:
        return draw(case, masks.look_ahead(4) if causal else None, case.mask(2, 1, 5) if masked else None)

    return modules.probe(drawn, {"batch": 2, "seq": 4, "k_len": k_len, "num_heads": 2, "d_head": 3, "d_ff": 7}, **settings)


COMPONENT = Component(
    draw,
    cases=Case.table(531, "batch seq k_len num_heads d_head d_ff", (3, 5, 7, 2, 5, 13), (2, 7, 3, 3, 4, 5)),
    parts=("the output",),
    forbids="blocks",
    probes={
        "post-norm": given(),
        "pre-norm": given(norm_first=True),
        "equal lengths": given(k_len=4),
        "look-ahead": given(causal=True),
        "masked memory": given(masked=True),
        "both masks, pre-norm": given(causal=True, masked=True, norm_first=True),
        "dropout in evaluation": given(dropout=0.5),
    },
)
has_exactly = modules.has_exactly(
    COMPONENT, 0.25, "Its parameters are those of both attentions, feed_forward and three norms",
    "Six parts with these names, made in the constructor: compare with the drawing above.",
)  # fmt: skip


every_part_has_a_say = blocks.every_part_has_a_say(
    COMPONENT, has_exactly, "All three sublayers and both inputs have a say at every position",
    "Follow x through the block: is each sublayer's result used, and where does the memory come in?",
    ("self_attention.w_o.weight", "cross_attention.w_v.weight", "feed_forward.linear2.weight"),
)  # fmt: skip
blocks.add_agreement(
    COMPONENT, every_part_has_a_say, 0.5,
    "Three sublayers in the order of the drawing: for each, where do queries, keys and values come from, and which norm follows?",
    "With norm_first=True it agrees with PyTorch's own block; the memory is not normalised",
    "Now what goes into a sublayer is normalised, and what goes round it is not. "
    "Which of the two inputs has been through a norm already?",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=every_part_has_a_say)
def no_future(candidate: Candidate, case: Case) -> None:
    """With a causal mask no position sees a later one

    Two masks come in: which attention is the future a matter of?
    """
    blocks.hides_what_is_behind(candidate, case, draw(case, masks.look_ahead(case.seq)), case.seq // 2)
    blocks.masks_of_every_shape(candidate, case, draw(case), "self_mask", case.seq)


@COMPONENT.law(points=0.25, needs=every_part_has_a_say)
def masked_memory_has_no_influence(candidate: Candidate, case: Case) -> None:
    """What memory_mask forbids has no influence

    The memory holds padding too: which attention must not look at it?
    """
    mask = case.mask(case.batch, 1, case.k_len)
    drawn = draw(case, memory_mask=mask)
    output, memory = candidate.use(drawn), drawn.inputs["memory"]
    other = torch.where(mask.mT, memory, case.normal(*memory.shape, scale=3.0))
    with proving("memory-mask-ignored"):
        changed = candidate.use(drawn.with_inputs(memory=other))
        expect.close(changed, output, "the output after masked positions of the memory were changed")
    blocks.masks_of_every_shape(candidate, case, draw(case), "memory_mask", case.k_len)


sublayers = {"self_attention": "w_o", "cross_attention": "w_o", "feed_forward": "linear2"}
blocks.add_common(COMPONENT, every_part_has_a_say, sublayers)

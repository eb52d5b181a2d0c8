"""What is checked of DecoderBlock."""

import torch

from autograder.framework.authoring import Candidate, Case, Component, Drawn, Probe, expect
from autograder.shared_laws import blocks, dropout, modules
from autograder.shared_laws.agreement import add_common, agree, proving, settled


def draw(case: Case, self_mask: torch.Tensor | None = None, memory_mask: torch.Tensor | None = None) -> Drawn:
    d_model = case.num_heads * case.d_head
    inputs = {"x": case.normal(case.batch, case.seq, d_model), "memory": case.normal(case.batch, case.k_len, d_model)}
    options = {name: mask for name, mask in (("self_mask", self_mask), ("memory_mask", memory_mask)) if mask is not None}
    sizes = (d_model, case.num_heads, case.d_ff)
    return Drawn(inputs, options, sizes, state=blocks.state(case, ("self_attention", "cross_attention"), 3))


def given(causal: bool = False, masked: bool = False, k_len: int = 5, **settings: float) -> Probe:
    def drawn(case: Case) -> Drawn:
        return draw(case, look_ahead(4) if causal else None, case.mask(2, 1, 5) if masked else None)

    return modules.probe(drawn, {"batch": 2, "seq": 4, "k_len": k_len, "num_heads": 2, "d_head": 3, "d_ff": 7}, **settings)


def look_ahead(seq: int) -> torch.Tensor:
    return torch.ones(seq, seq, dtype=torch.bool).tril()


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


@COMPONENT.law(points=0.25, needs=has_exactly)
def every_part_has_a_say(candidate: Candidate, case: Case) -> None:
    """All three sublayers and both inputs have a say at every position

    Follow x through the block: is each sublayer's result used, and where does the memory come in?
    """
    layers = ("self_attention.w_o.weight", "cross_attention.w_v.weight", "feed_forward.linear2.weight")
    blocks.every_part_has_a_say(candidate, draw(case), layers)


@COMPONENT.law(points=0.5, needs=every_part_has_a_say)
def agrees(candidate: Candidate, case: Case) -> None:
    """Post-norm, it agrees with PyTorch's own block

    Three sublayers in the order of the drawing: for each, where do queries, keys and values come from, and which norm follows?
    """
    agree(candidate, draw(case))
    modules.same_again(candidate, draw(case), "the output")


@COMPONENT.law(points=0.25, needs=every_part_has_a_say)
def agrees_norm_first(candidate: Candidate, case: Case) -> None:
    """With norm_first=True it agrees with PyTorch's own block; the memory is not normalised

    Now what goes into a sublayer is normalised, and what goes round it is not. Which of the two inputs has been
    through a norm already?
    """
    agree(candidate, blocks.first(draw(case)))


@COMPONENT.law(points=0.25, needs=every_part_has_a_say)
def no_future(candidate: Candidate, case: Case) -> None:
    """With a causal mask no position sees a later one

    Two masks come in: which attention is the future a matter of?
    """
    drawn, place = draw(case, look_ahead(case.seq)), case.seq // 2
    output, x = candidate.use(drawn), drawn.inputs["x"].clone()
    x[:, place:] = case.normal(*x[:, place:].shape, scale=3.0)
    with proving("mask-ignored"):
        changed = candidate.use(drawn.with_inputs(x=x))[:, :place]
        expect.close(changed, output[:, :place], "the output of earlier positions after later ones were changed")
    if settled(candidate, draw(case)):
        for shape in ((case.seq, case.seq), (case.batch, 1, case.seq), (case.batch, case.seq, case.seq)):
            blocks.both_orders(candidate, draw(case, case.mask(*shape)), f"with a self_mask of shape {shape}")


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
    if settled(candidate, draw(case)):
        nothing = torch.zeros(1, case.k_len, dtype=torch.bool)
        for mask in (case.mask(case.seq, case.k_len), case.mask(case.batch, case.seq, case.k_len), nothing):
            blocks.both_orders(candidate, draw(case, memory_mask=mask), f"with a memory_mask of shape {tuple(mask.shape)}")


dropout.add_in_training_alone(
    COMPONENT, every_part_has_a_say,
    "Which of your parts take the rate, and which of them know whether the block is in training?", draw,
    {"self_attention": "w_o", "cross_attention": "w_o", "feed_forward": "linear2"},
)  # fmt: skip
add_common(COMPONENT, every_part_has_a_say, learning=lambda case: [draw(case), blocks.first(draw(case))])

"""What is checked of T5."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, agree, checkpoints, expect

TABLE = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
SPARE = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
SUMMED = ("shared.weight", ".o.weight", ".wo.weight")  # what the norms get is made of these


def draw(case: Case, **settings: int) -> Drawn:
    """Sentences, and weights under the names of a real checkpoint; there is no mask."""
    d_model, d_ff, inner = case.d_model, 2 * case.d_model + 1, case.num_heads * case.d_head
    shapes: checkpoints.Shapes = {"shared.weight": (case.vocab, d_model)}
    for stack, attentions in (("encoder", ["SelfAttention"]), ("decoder", ["SelfAttention", "EncDecAttention"])):
        shapes[TABLE.replace("encoder", stack)] = settings.get("num_buckets", 32), case.num_heads
        shapes[f"{stack}.final_layer_norm.weight"] = (d_model,)
        for block in (f"{stack}.block.{number}.layer" for number in range(case.layers)):
            for place, name in enumerate(attentions):
                shapes |= {f"{block}.{place}.{name}.{part}.weight": (inner, d_model) for part in "qkv"}
                shapes[f"{block}.{place}.{name}.o.weight"] = d_model, inner
            last = len(attentions)
            shapes[f"{block}.{last}.DenseReluDense.wi.weight"] = d_ff, d_model
            shapes[f"{block}.{last}.DenseReluDense.wo.weight"] = d_model, d_ff
            shapes |= {f"{block}.{place}.layer_norm.weight": (d_model,) for place in range(last + 1)}
    source, target = (case.integers(0, case.vocab, case.batch, n) for n in (case.source_len, case.target_len))
    sizes = (case.vocab, d_model, case.num_heads, case.d_head, d_ff, case.layers)
    state = checkpoints.weights(case, shapes)
    drawn = Drawn({"source": source, "target_in": target}, {}, sizes, settings, state, loader=checkpoints.LOADER)
    return checkpoints.sized(drawn, 0.4 * case.d_head**-0.5, ".q.weight")  # scores of about 1 although nothing divides them


def shallow(case: Case) -> Drawn:
    return draw(case.at(layers=1))


def large(case: Case) -> Drawn:
    return checkpoints.sized(shallow(case), 1e3, *SUMMED)


def smooth(drawn: Drawn) -> Drawn:
    """The same use where it makes no difference on which side of a boundary the distances 16, 32 and 64 fall."""
    table = (drawn.state or {})[TABLE]
    for first in (9, 11, 13, 25, 27, 29):
        table[first + 1] = table[first]
    return drawn


SMALL = {"batch": 2, "source_len": 5, "target_len": 4, "vocab": 7, "d_model": 6, "num_heads": 2, "d_head": 4, "layers": 2}
MASK = torch.tensor([[[True, True, True, False, False]], [[True] * 5]])
COMPONENT = Component(
    draw,
    cases=Case.table(
        851,
        "batch source_len target_len vocab d_model num_heads d_head layers",
        (2, 5, 7, 11, 7, 3, 5, 2),
        (3, 7, 3, 13, 10, 2, 3, 1),
    ),
    parts=("the logits",),
    forbids="blocks",
    probes={
        "two blocks": checkpoints.given(draw, **SMALL),
        "one block": checkpoints.given(draw, **SMALL | {"layers": 1}),
        "one token each": checkpoints.given(draw, **SMALL | {"source_len": 1, "target_len": 1}),
        "no block": checkpoints.given(draw, **SMALL | {"layers": 0, "source_len": 1}),
        "masked": checkpoints.given(lambda case: draw(case).with_options(source_mask=MASK), **SMALL),
    },
)


takes_real_weights = checkpoints.takes_real_weights(
    COMPONENT, "T5, with or without its copies of the embedding,",
    "`load_pretrained` looks for `encoder`, `decoder`, `encoder_norm` and `decoder_norm` beside what is given.",
    lambda state: dict.fromkeys(SPARE, state["shared.weight"]),
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def listens_to_both(candidate: Candidate, case: Case) -> None:
    """The logits hang on every word of the source and on what the target has so far, and on no other pair

    Which path leads from the source to the logits, and which from the target?
    """
    checkpoints.hangs_on(candidate, shallow(case), case.vocab, ("source", 0, 0), ("source", -1, 0), ("target_in", 0, 0))


@COMPONENT.law(points=1.0, needs=listens_to_both)
def agrees(candidate: Candidate, case: Case) -> None:
    """The logits are those of a T5 with the same weights

    Take one block of each stack: what is normed, what is added, and where? Then: what comes after the last block of each?
    """
    agree(candidate, draw(case))
    agree(candidate, checkpoints.sized(shallow(case), 1e-3, *SUMMED), "where all embeddings are as small as 1e-3")


checkpoints.add_no_future(
    COMPONENT, listens_to_both, 0.5, "target_in", "vocab",
    "The bias of a bucket says how near a key is, and nothing forbids a key that comes later. What does?", of="the target",
)  # fmt: skip


@COMPONENT.law(points=0.5, needs=listens_to_both, once=True)
def mask_hides_the_source(candidate: Candidate, case: Case) -> None:
    """What source_mask forbids has no influence, in the encoder and in cross-attention

    There are two attentions that look at the source. Does each of them get the mask, with an axis for the heads?
    """
    drawn, settled = shallow(case), checkpoints.settled(candidate, case.at(layers=1), draw)
    everything = drawn.with_options(source_mask=torch.ones(1, case.source_len, dtype=torch.bool))
    found, right = candidate.use(everything), candidate.right(drawn) if settled else candidate.use(drawn)
    expect.close(found, right, "the logits with a mask of True")
    for use, mask in ((draw(case), case.mask(case.batch, 1, case.source_len)), (drawn, case.mask(1, case.source_len))):
        where, source = f"for a source_mask of shape {tuple(mask.shape)}", use.inputs["source"]
        other = torch.where(mask.reshape(-1, case.source_len), source, (source + 1) % case.vocab)
        both = use.with_inputs(source=torch.cat([source, other]), target_in=use.inputs["target_in"].repeat(2, 1))
        both = both.with_options(source_mask=mask.repeat(2, 1, 1) if mask.dim() == 3 else mask)
        logits, changed = candidate.use(both).chunk(2)
        expect.close(changed, logits, f"the logits after tokens that the mask hides were changed, {where}")
        if settled:
            expect.close(logits, candidate.right(both).chunk(2)[0], f"the logits {where}")


@COMPONENT.law(points=0.25, needs=listens_to_both, edge=True, once=True)
def nothing_to_see(candidate: Candidate, case: Case) -> None:
    """Where the mask hides a whole sentence, attention to it gives 0 and no NaN, and gradients are finite

    The softmax of a row of -inf is 0 / 0. What did attention give in chapter 2 where a query may attend to nothing?
    """
    mask = torch.ones(case.batch, 1, case.source_len, dtype=torch.bool)
    mask[-1] = False
    blind = shallow(case).with_options(source_mask=mask)
    settled, where = checkpoints.settled(candidate, case.at(layers=1), draw), "where one sentence is hidden"
    expect.finite(checkpoints.judged(candidate, blind, settled, where), f"the logits {where}")
    checkpoints.every_number_learns(candidate, blind, plain=False)


@COMPONENT.law(points=0.25, needs=listens_to_both, edge=True, once=True)
def far_and_other_buckets(candidate: Candidate, case: Case) -> None:
    """Long sentences and other num_buckets and max_distance give the right bias

    What does your call of `relative_position_bucket` hand on? Which numbers should it take from the model?
    """
    plain, case = checkpoints.settled(candidate, case.at(layers=1), draw), case.at(batch=1, layers=1)
    other = draw(case.at(source_len=24, target_len=23), num_buckets=12, max_distance=20)
    long = smooth(draw(case.at(source_len=140, target_len=133)))
    for drawn, where in ((other, "for num_buckets=12 and max_distance=20"), (long, "of sentences past max_distance")):
        checkpoints.judged(candidate, drawn, plain, where)


checkpoints.add_common(COMPONENT, listens_to_both, ("batch", "source_len", "target_len", "num_heads"), drops=False, precise=large)

"""What is checked of T5."""

import contextlib
from dataclasses import replace
from typing import Any

import torch

from autograder.framework import expect
from autograder.framework.candidate import Candidate, CandidateError
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.shared_laws import checkpoints, modules
from autograder.shared_laws.agreement import agree, any_size_and_device, keeps_precision, settled

DEFAULTS = {"num_buckets": 32, "max_distance": 128}
SPARE = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")


def draw(case: Case, **settings: int) -> Drawn:
    """Sentences, and weights under the names of a real checkpoint; there is no mask."""
    sizes = (case.vocab, case.d_model, case.num_heads, case.d_head, 2 * case.d_model + 1, case.layers)
    source, target = (case.integers(0, case.vocab, case.batch, n) for n in (case.source_len, case.target_len))
    state = _state(case, {**DEFAULTS, **settings}["num_buckets"], sizes[4])
    return Drawn({"source": source, "target_in": target}, {}, sizes, settings, state, loader=checkpoints.LOADER)


def _state(case: Case, num_buckets: int, d_ff: int) -> dict[str, torch.Tensor]:
    """Random weights with scores of about 1 although nothing divides them, and norms that are seen."""
    d_model, inner = case.d_model, case.num_heads * case.d_head
    state = {"shared.weight": case.normal(case.vocab, d_model)}
    for stack, attentions in (("encoder", ["SelfAttention"]), ("decoder", ["SelfAttention", "EncDecAttention"])):
        for number in range(case.layers):
            block = f"{stack}.block.{number}.layer"
            for place, attention in enumerate(attentions):
                for part, scale in (("q", (d_model * case.d_head) ** -0.5), ("k", d_model**-0.5), ("v", d_model**-0.5)):
                    state[f"{block}.{place}.{attention}.{part}.weight"] = case.normal(inner, d_model, scale=scale)
                state[f"{block}.{place}.{attention}.o.weight"] = case.normal(d_model, inner, scale=inner**-0.5)
            last = len(attentions)
            state[f"{block}.{last}.DenseReluDense.wi.weight"] = case.normal(d_ff, d_model, scale=d_model**-0.5)
            state[f"{block}.{last}.DenseReluDense.wo.weight"] = case.normal(d_model, d_ff, scale=d_ff**-0.5)
            for place in range(last + 1):
                state[f"{block}.{place}.layer_norm.weight"] = 1.0 + case.normal(d_model, scale=0.3)
        table = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        state[table] = case.normal(num_buckets, case.num_heads)
        state[f"{stack}.final_layer_norm.weight"] = 1.0 + case.normal(d_model, scale=0.3)
    return state


def shallow(case: Case) -> Drawn:
    """A model of one block a stack, for laws to which a second one adds time alone."""
    return draw(case.at(layers=1))


def sized(drawn: Drawn, factor: float) -> Drawn:
    """The same use where all that the norms get is so many times as large: tiny, it shows their eps; large, it hides it."""
    parts = ("shared.weight", ".o.weight", ".wo.weight")
    return replace(drawn, state={n: x * factor if n.endswith(parts) else x for n, x in (drawn.state or {}).items()})


def smooth(drawn: Drawn) -> Drawn:
    """The same use where it makes no difference on which side of a boundary the distances 16, 32 and 64 fall."""
    state = dict(drawn.state or {})
    table = state["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"].clone()
    for first in (9, 11, 13, 25, 27, 29):
        table[first + 1] = table[first]
    state["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = table
    return replace(drawn, state=state)


def again(candidate: Candidate, drawn: Drawn, logits: torch.Tensor) -> torch.Tensor:
    """The logits of another use, of the form of those of the first; the oracle is not asked a second time."""
    return expect.form(candidate.raw(drawn), logits, COMPONENT.parts[0])


def given(**wishes: int) -> Probe:
    sizes: Any = {
        "batch": 2, "source_len": 5, "target_len": 4, "vocab": 7, "d_model": 6, "num_heads": 2, "d_head": 4, "layers": 2,
    }  # fmt: skip
    return Probe(lambda case: draw(case.at(**sizes | wishes)))


def masked(case: Case) -> Drawn:
    drawn = given().given(case)  # type: ignore[misc]
    return drawn.with_options(source_mask=torch.tensor([[[True, True, True, False, False]], [[True] * 5]]))


COMPONENT = Component(
    __name__,
    draw,
    cases=[
        Case(seed=851, batch=2, source_len=5, target_len=7, vocab=11, d_model=7, num_heads=3, d_head=5, layers=2),
        Case(seed=852, batch=3, source_len=7, target_len=3, vocab=13, d_model=10, num_heads=2, d_head=3, layers=1),
    ],
    parts=("the logits",),
    forbids="blocks",
    probes={
        "two blocks": given(),
        "one block": given(layers=1),
        "one token each": given(source_len=1, target_len=1),
        "no block": given(layers=0, source_len=1),
        "masked": Probe(masked),
    },
)


@COMPONENT.law(points=0.25, once=True)
def takes_real_weights(candidate: Candidate, case: Case) -> None:
    """The weights of a real T5 go in, with or without its copies of the embedding, and no others

    `load_pretrained` looks for `encoder`, `decoder`, `encoder_norm` and `decoder_norm` beside what is given.
    """
    drawn = shallow(case)
    with contextlib.suppress(CandidateError):
        candidate.raw(modules.unloaded(drawn))  # so that a call of what it was to build is seen before names are
    checkpoints.goes_in(candidate, drawn, {name: (drawn.state or {})["shared.weight"] for name in SPARE})


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def listens_to_both(candidate: Candidate, case: Case) -> None:
    """The logits hang on every word of the source and on what the target has so far

    Which path leads from the source to the logits, and which from the target?
    """
    drawn = shallow(case)
    logits = candidate.use(drawn)
    for name, place in (("source", 0), ("source", -1), ("target_in", 0)):
        other = drawn.inputs[name].clone()
        other[:, place] = (other[:, place] + 1) % case.vocab
        change = (again(candidate, drawn.with_inputs(**{name: other}), logits) - logits).abs().amax(-1)
        which = "last" if place else "first"
        expect.true(bool((change > 1e-5).all()), f"the {which} token of {name} was changed, and some logits are as they were.")


@COMPONENT.law(points=1.0, needs=listens_to_both)
def agrees(candidate: Candidate, case: Case) -> None:
    """The logits are those of a T5 with the same weights

    Take one block of each stack: what is normed, what is added, and where? Then: what comes after the last block of each?
    """
    agree(candidate, draw(case))
    agree(candidate, sized(draw(case), 1e-3), "where all embeddings are as small as 1e-3")


@COMPONENT.law(points=0.5, needs=listens_to_both, once=True)
def no_future(candidate: Candidate, case: Case) -> None:
    """No place of the target sees a later one

    The bias of a bucket says how near a key is, and nothing forbids a key that comes later. What does?
    """
    drawn = draw(case)
    logits, target = candidate.use(drawn), drawn.inputs["target_in"]
    for place in sorted({1, target.shape[1] - 1}):
        later = target.clone()
        later[:, place:] = (later[:, place:] + 1) % case.vocab
        changed = again(candidate, drawn.with_inputs(target_in=later), logits)[:, :place]
        expect.close(changed, logits[:, :place], f"the logits before place {place} after all later tokens were changed")


@COMPONENT.law(points=0.5, needs=listens_to_both, once=True)
def mask_hides_the_source(candidate: Candidate, case: Case) -> None:
    """What source_mask forbids has no influence, in the encoder and in cross-attention

    There are two attentions that look at the source. Does each of them get the mask, with an axis for the heads?
    """
    drawn = shallow(case)
    plain, seen = settled(candidate, drawn), torch.ones(1, case.source_len, dtype=torch.bool)
    expect.close(candidate.use(drawn.with_options(source_mask=seen)), candidate.use(drawn), "the logits with a mask of True")
    for plain_use, mask in ((draw(case), case.mask(case.batch, 1, case.source_len)), (drawn, case.mask(1, case.source_len))):
        where, source = f"for a source_mask of shape {tuple(mask.shape)}", plain_use.inputs["source"]
        use = plain_use.with_options(source_mask=mask)
        logits = candidate.use(use)
        other = torch.where(mask.reshape(-1, case.source_len), source, (source + 1) % case.vocab)
        changed = again(candidate, use.with_inputs(source=other), logits)
        expect.close(changed, logits, f"the logits after tokens that the mask hides were changed, {where}")
        if plain:
            agree(candidate, use, where)


@COMPONENT.law(points=0.25, needs=listens_to_both, edge=True, once=True)
def nothing_to_see(candidate: Candidate, case: Case) -> None:
    """Where the mask hides a whole sentence, attention to it gives 0 and no NaN, and gradients are finite

    The softmax of a row of -inf is 0 / 0. What did attention give in chapter 2 where a query may attend to nothing?
    """
    drawn = shallow(case)
    mask = torch.ones(case.batch, 1, case.source_len, dtype=torch.bool)
    mask[-1] = False
    blind, plain = drawn.with_options(source_mask=mask), settled(candidate, drawn)
    expect.finite(candidate.use(blind), "the logits where one sentence is hidden")
    if plain:
        agree(candidate, blind, "where one sentence is hidden")
    checkpoints.every_number_learns(candidate, blind, False)


@COMPONENT.law(points=0.25, needs=listens_to_both, edge=True, once=True)
def far_and_other_buckets(candidate: Candidate, case: Case) -> None:
    """Long sentences and other num_buckets and max_distance give the right bias

    What does your call of `relative_position_bucket` hand on? Which numbers should it take from the model?
    """
    long = smooth(draw(case.at(batch=1, layers=1, source_len=140, target_len=133)))
    other = draw(case.at(batch=1, layers=1, source_len=24, target_len=23), num_buckets=12, max_distance=20)
    judge = agree if settled(candidate, shallow(case)) else lambda candidate, drawn, _: candidate.use(drawn)
    judge(candidate, other, "for num_buckets=12 and max_distance=20")
    judge(candidate, long, "of sentences past max_distance")


COMPONENT.add(keeps_precision(COMPONENT, 0.25, listens_to_both, lambda case: sized(shallow(case), 1e3)))


@COMPONENT.law(points=0.25, needs=listens_to_both, once=True)
def every_number_learns(candidate: Candidate, case: Case) -> None:
    """It learns as many numbers as a real T5, whose output is its embedding: gradients reach them all and are right

    Which matrix turns the decoder's vectors into logits? Stay with tensor operations on the whole path from it.
    """
    drawn = draw(case)
    checkpoints.size(candidate, drawn)
    checkpoints.every_number_learns(candidate, drawn, settled(candidate, drawn))


COMPONENT.add(  # the last one: what was built is lost on the other device
    any_size_and_device(COMPONENT, 0.25, listens_to_both, ("batch", "source_len", "target_len", "num_heads"), shallow)
)

"""What is checked of MultiHeadAttention."""

from dataclasses import replace
from typing import Any

import torch

from autograder.shared_laws import dropout, heads, modules
from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, proving, refused, settled


def draw(case: Case, num_heads: int | None = None) -> Drawn:
    d_model = case.num_heads * case.d_head
    size = d_model, d_model
    state = modules.linear_state(case, w_q=size, w_k=size, w_v=size, w_o=size)
    return Drawn(heads.query_key_value(case, d_model), sizes=(d_model, num_heads or case.num_heads), state=state)


def same_lengths(case: Case) -> Drawn:
    """As many keys as queries: what takes the wrong one of the three inputs is judged by `agrees`."""
    return draw(case.at(q_len=case.k_len))


def small(case: Case, *mask: int, q_len: int = 4, num_heads: int = 2) -> Drawn:
    drawn = draw(case.at(batch=2, q_len=q_len, k_len=5, num_heads=num_heads, d_head=6 // num_heads))
    return drawn.with_options(mask=case.mask(*mask)) if mask else drawn


def own_layers(candidate: Candidate, case: Case) -> Any:
    """The names of its parameters, and what it gives with those that it has."""
    drawn = small(case, num_heads=3)
    built, there = candidate.state(modules.unloaded(drawn)), drawn.state or {}
    return sorted(built), candidate.raw(replace(drawn, state={name: there[name] for name in built if name in there}))


COMPONENT = Component(
    draw,
    cases=Case.table(431, "batch q_len k_len num_heads d_head", (2, 5, 7, 3, 11), (3, 11, 2, 5, 7)),
    parts=("the output", "the weights"),
    forbids="attention",
    probes={
        "plain": Probe(look=own_layers),
        "same lengths": Probe(lambda case: small(case, q_len=5, num_heads=3)),
        "masked": Probe(lambda case: small(case, 4, 5)),
        "masked keys": Probe(lambda case: small(case, 2, 1, 5)),
    },
)

has_exactly = modules.has_exactly(
    COMPONENT, 0.25, "Its parameters are those of `w_q`, `w_k`, `w_v` and `w_o`",
    "Four layers nn.Linear(d_model, d_model) with these names, made in the constructor, and no other.",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=has_exactly)
def looks_and_mixes(candidate: Candidate, case: Case) -> None:
    """Every head has a row of weights for each query, made by `w_q`, that sums to one; `w_v` makes what is mixed

    Return the weights of all heads, (batch, num_heads, q_len, k_len), as the softmax over the keys made them.
    """
    heads.looks_and_mixes(candidate, same_lengths(case))


@COMPONENT.law(points=0.75, needs=looks_and_mixes)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Output and weights agree with nn.MultiheadAttention

    Project, split, attend, merge, project. Check the worked number above by hand, step by step.
    """
    agree(candidate, drawn, "for different query, key and value")
    key = drawn.inputs["key"]
    agree(candidate, drawn.with_inputs(query=key, value=key), "in self-attention")
    agree(candidate, drawn.with_inputs(query=drawn.inputs["query"] * 40), "where scores lie far apart")
    modules.same_again(candidate, drawn, "the result")
    for num_heads in (1, case.num_heads * case.d_head):
        agree(candidate, draw(case, num_heads), f"with num_heads={num_heads}")


@COMPONENT.law(points=0.25, needs=looks_and_mixes, once=True)
def heads_look_alone(candidate: Candidate, case: Case) -> None:
    """A head looks with its own rows of `w_q` alone

    Head h takes features h·d_head … of the projected query, at every position. Print the shapes.
    """
    heads.same_weights_elsewhere(candidate, same_lengths(case), int(case.integers(0, case.num_heads, 1)), case.num_heads)


@COMPONENT.law(points=0.5, needs=looks_and_mixes)
def masked_has_no_influence(candidate: Candidate, case: Case) -> None:
    """What is masked out has no influence at all

    Hand the mask on to the scores of every head. True means 'may attend'.
    """
    heads.masked_has_no_influence(candidate, case, draw(case))


@COMPONENT.law(points=0.25, needs=masked_has_no_influence, once=True)
def masks_of_every_shape(candidate: Candidate, case: Case) -> None:
    """Masks of two and of three axes are right for every head

    The scores have an axis of heads that the mask lacks: what does its batch axis line up with?
    """
    heads.masks_of_every_shape(candidate, case, draw(case))


@COMPONENT.law(points=0.25, needs=masked_has_no_influence, once=True, edge=True)
def blind_rows(candidate: Candidate, case: Case) -> None:
    """A query that may attend to nothing gets weights 0 and the bias of `w_o`

    Weights of 0 mix nothing, and w_o(0) is its bias. The softmax of a row of -inf is 0/0.
    """
    heads.blind_rows(candidate, case, draw(case))


@COMPONENT.law(points=0.25, needs=looks_and_mixes, once=True)
def dropout_of_weights(candidate: Candidate, case: Case) -> None:
    """Dropout acts in training, on the weights that multiply v; the returned weights are whole

    Return the weights as the softmax made them; drop out what goes to the values, in training only.
    """
    # Identity projections and one-hot values: the output shows each weight that multiplied v, twice.
    wide = case.at(q_len=case.k_len, d_head=2 * case.k_len)
    drawn, eye = draw(wide), torch.eye(case.k_len, dtype=case.dtype).repeat(1, 2 * case.num_heads)
    state = drawn.state or {}
    for layer in ("w_v", "w_o"):
        state[f"{layer}.weight"], state[f"{layer}.bias"] = torch.eye(len(eye.T)), torch.zeros(len(eye.T))
    drawn = drawn.with_inputs(value=eye.expand(case.batch, -1, -1)).to(case.dtype)
    output, shown = dropout.in_training(candidate, drawn)
    if not settled(candidate, drawn):
        return
    _, weights = candidate.use(drawn)
    first, second = output.unflatten(-1, (case.num_heads, 2, case.k_len)).transpose(1, 2).unbind(-2)
    lost = "weights-after-dropout" if bool((shown == 0).any()) else None
    with proving(lost):
        expect.close(shown, weights, "the returned weights in training with dropout")
    dropout.dropped(first, weights, "weights that multiply v")
    expect.close(second, first, "the weights that multiply one feature of v beside those that multiply another")


@COMPONENT.law(points=0.25, needs=looks_and_mixes, edge=True)
def refuses_uneven_heads(candidate: Candidate, case: Case) -> None:
    """A d_model that the heads cannot share evenly is refused by the constructor

    Where can the mistake be mended, and what does the reader of the message have to know?
    """
    for sizes in heads.uneven(case):
        refused(candidate, Drawn({}, sizes=tuple(sizes.values())), sizes, proves="no-divisibility-check")


add_common(COMPONENT, looks_and_mixes, precise=same_lengths, learning=lambda case: [same_lengths(case)])

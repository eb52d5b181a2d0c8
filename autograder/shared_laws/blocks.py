"""Laws on the transformer's blocks: weights for their parts, which part has a say, both orders of the norms."""

from __future__ import annotations

from dataclasses import replace

import torch

from autograder.framework.authoring import Candidate, Case, Drawn, expect
from autograder.shared_laws.agreement import agree
from autograder.shared_laws.modules import linear_state

PROJECTIONS = ("w_q", "w_k", "w_v", "w_o")


def state(case: Case, attentions: tuple[str, ...], norms: int) -> dict[str, torch.Tensor]:
    """Random weights for a block with these attentions, a feed-forward network and so many norms."""
    d_model = case.num_heads * case.d_head
    sizes = {f"{name}.{projection}": (d_model, d_model) for name in attentions for projection in PROJECTIONS}
    sizes |= {"feed_forward.linear1": (d_model, case.d_ff), "feed_forward.linear2": (case.d_ff, d_model)}
    made = linear_state(case, bias=True, **sizes)
    for number in range(1, norms + 1):
        made[f"norm{number}.weight"] = case.normal(d_model, scale=0.3) + 1.0
        made[f"norm{number}.bias"] = case.normal(d_model, scale=0.3)
    return made


def every_part_has_a_say(candidate: Candidate, drawn: Drawn, layers: tuple[str, ...]) -> None:
    """Other weights in each of these layers, and other inputs, change the output everywhere."""
    output = candidate.use(drawn)
    for layer in layers:
        other = {**(drawn.state or {})}
        other[layer] = -other[layer] + 0.5
        change = (candidate.use(replace(drawn, state=other)) - output).abs().amax(-1)
        expect.true(bool((change > 1e-5).all()), f"`{layer}` was changed, and some of the output is as it was.")
    for name in drawn.floating:
        change = (candidate.use(drawn.with_inputs(**{name: drawn.inputs[name].flip(-1)})) - output).abs().amax(-1)
        expect.true(bool((change > 1e-5).all()), f"{name} was changed, and some of the output is as it was.")


def first(drawn: Drawn) -> Drawn:
    """The same use of a block that normalises first."""
    return replace(drawn, settings={**drawn.settings, "norm_first": True})


def both_orders(candidate: Candidate, drawn: Drawn, where: str) -> None:
    """The block agrees with the oracle in post-norm and in pre-norm."""
    agree(candidate, drawn, f"{where}, post-norm")
    agree(candidate, first(drawn), f"{where}, pre-norm")

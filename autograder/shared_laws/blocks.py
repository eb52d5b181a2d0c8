"""Laws on the transformer's blocks: weights for their parts, which part has a say, both orders of the norms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from autograder.framework.authoring import Candidate, Case, Component, Drawn, Law, expect
from autograder.shared_laws import agreement, dropout, modules
from autograder.shared_laws.agreement import agree, proving, settled

PROJECTIONS = ("w_q", "w_k", "w_v", "w_o")


def state(case: Case, attentions: tuple[str, ...], norms: int) -> dict[str, torch.Tensor]:
    """Random weights for a block with these attentions, a feed-forward network and so many norms."""
    d_model = case.num_heads * case.d_head
    sizes = {f"{name}.{projection}": (d_model, d_model) for name in attentions for projection in PROJECTIONS}
    sizes |= {"feed_forward.linear1": (d_model, case.d_ff), "feed_forward.linear2": (case.d_ff, d_model)}
    made = modules.linear_state(case, bias=True, **sizes)
    for number in range(1, norms + 1):
        made[f"norm{number}.weight"] = case.normal(d_model, scale=0.3) + 1.0
        made[f"norm{number}.bias"] = case.normal(d_model, scale=0.3)
    return made


def every_part_has_a_say(component: Component, needs: Callable, sentence: str, hint: str, layers: tuple[str, ...]) -> Callable:
    """Adds a law of a quarter: other weights in each of these layers, and other inputs, change the output everywhere."""

    def every_part_has_a_say(candidate: Candidate, case: Case) -> None:
        _have_a_say(candidate, component.draw(case), layers)

    return component.add(Law(every_part_has_a_say.__name__, sentence, hint, every_part_has_a_say, 0.25, needs.__name__))


def _have_a_say(candidate: Candidate, drawn: Drawn, layers: tuple[str, ...]) -> None:
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


def add_agreement(component: Component, needs: Callable, points: float, hint: str, sentence_first: str, hint_first: str) -> None:
    """Adds two laws: without masks the block agrees with PyTorch's own in post-norm, and, for a quarter, in pre-norm."""

    def agrees(candidate: Candidate, case: Case) -> None:
        drawn = component.draw(case)
        agree(candidate, drawn)
        modules.same_again(candidate, drawn, "the output")

    def agrees_norm_first(candidate: Candidate, case: Case) -> None:
        agree(candidate, first(component.draw(case)))

    sentence = "Post-norm, it agrees with PyTorch's own block"
    component.add(Law(agrees.__name__, sentence, hint, agrees, points, needs.__name__))
    component.add(Law(agrees_norm_first.__name__, sentence_first, hint_first, agrees_norm_first, 0.25, needs.__name__))


def hides_what_is_behind(candidate: Candidate, case: Case, drawn: Drawn, place: int) -> None:
    """What stands at `place` and behind it, which the mask of `drawn` hides, has no influence on the positions before."""
    output, x = candidate.use(drawn), drawn.inputs["x"].clone()
    x[:, place:] = case.normal(*x[:, place:].shape, scale=3.0)
    with proving("mask-ignored"):
        changed = candidate.use(drawn.with_inputs(x=x))[:, :place]
        expect.close(changed, output[:, :place], "the output of earlier positions after masked later ones were changed")


def masks_of_every_shape(candidate: Candidate, case: Case, drawn: Drawn, name: str, k_len: int) -> None:
    """With each mask `name`, one that hides everything too, both orders agree with the oracle where the plain block does."""
    if not settled(candidate, drawn):
        return
    shapes = (case.seq, k_len), (case.batch, 1, k_len), (case.batch, case.seq, k_len)
    for mask in (*(case.mask(*shape) for shape in shapes), torch.zeros(1, k_len, dtype=torch.bool)):
        where = f"with a {name} of shape {tuple(mask.shape)}" if mask.any() else f"with a {name} that hides everything"
        masked = drawn.with_options(**{name: mask})
        agree(candidate, masked, f"{where}, post-norm")
        agree(candidate, first(masked), f"{where}, pre-norm")


def add_common(component: Component, needs: Callable, sublayers: Mapping[str, str]) -> None:
    """Adds the laws on dropout, of the sublayers too (`dropout.of_sublayers`), sizes, precision and gradients."""
    hint = "Which of your parts take the rate, and which of them know whether the block is in training?"
    dropout.add_in_training_alone(component, needs, hint, component.draw, sublayers)
    agreement.add_common(component, needs, learning=lambda case: [component.draw(case), first(component.draw(case))])

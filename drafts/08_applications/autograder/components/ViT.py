"""What is checked of ViT."""

import contextlib
from dataclasses import replace
from typing import Any

import torch

from autograder.framework import expect
from autograder.framework.candidate import Candidate, CandidateError
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.shared_laws import checkpoints, dropout, modules
from autograder.shared_laws.agreement import agree, any_size_and_device, gradients_agree, keeps_precision, settled

CLASS, PLACES = "vit.embeddings.cls_token", "vit.embeddings.position_embeddings"
SEEN = 1e-4


def draw(case: Case) -> Drawn:
    """Pictures of `grid` x `grid` patches, and weights under the names of a real checkpoint."""
    d_model, side = case.num_heads * case.d_head, case.grid * case.patch_size
    sizes = (side, case.patch_size, case.channels, case.classes, d_model, case.num_heads, 2 * d_model + 1, case.layers)
    images = case.normal(case.batch, case.channels, side, side)
    return Drawn({"images": images}, {}, sizes, {}, _state(case, d_model, 2 * d_model + 1), loader=checkpoints.LOADER)


def _state(case: Case, d_model: int, d_ff: int) -> dict[str, torch.Tensor]:
    """Random weights that keep every sublayer's part visible."""
    patch = "vit.embeddings.patch_embeddings.projection"
    state = {
        CLASS: case.normal(1, 1, d_model),
        PLACES: case.normal(1, case.grid**2 + 1, d_model),
        f"{patch}.weight": case.normal(d_model, case.channels, case.patch_size, case.patch_size, scale=0.5),
        f"{patch}.bias": case.normal(d_model, scale=0.2),
    }
    layers: dict[str, Any] = {"classifier": (d_model, case.classes)}
    norms = ["vit.layernorm"]
    for name in (f"vit.encoder.layer.{number}" for number in range(case.layers)):
        inside = [*(f"attention.attention.{x}" for x in ("query", "key", "value")), "attention.output.dense"]
        layers |= {f"{name}.{layer}": (d_model, d_model) for layer in inside}
        layers |= {f"{name}.intermediate.dense": (d_model, d_ff), f"{name}.output.dense": (d_ff, d_model)}
        norms += [f"{name}.layernorm_before", f"{name}.layernorm_after"]
    for norm in norms:
        state |= {f"{norm}.weight": 1.0 + case.normal(d_model, scale=0.3), f"{norm}.bias": case.normal(d_model, scale=0.3)}
    return state | modules.linear_state(case, **layers)


def shallow(case: Case) -> Drawn:
    """A model of one block, for laws to which a second one adds time alone."""
    return draw(case.at(layers=1))


def sized(drawn: Drawn, factor: float) -> Drawn:
    """The same use where all that the norms get is so many times as large: tiny, it shows their eps; large, it hides it."""
    parts = ("embeddings.", "output.dense.")
    state = {name: x * factor if any(part in name for part in parts) else x for name, x in (drawn.state or {}).items()}
    return replace(drawn, state=state)


def bent(drawn: Drawn) -> Drawn:
    """The same use, in float64, where the feed-forward networks work at the bend of GELU: another curve is seen there."""
    scales = {"intermediate.dense.weight": 0.3, "output.dense.weight": 30.0}
    state = {}
    for name, x in (drawn.state or {}).items():
        x = x - 2.7 if name.endswith("intermediate.dense.bias") else x
        state[name] = x * next((s for part, s in scales.items() if name.endswith(part) and "attention" not in name), 1.0)
    return replace(drawn, state=state).to(torch.float64)


def rearranged(drawn: Drawn, case: Case) -> torch.Tensor:
    """The same pictures with their patches in another order."""
    side = case.grid * case.patch_size
    cells = drawn.inputs["images"].unflatten(3, (case.grid, -1)).unflatten(2, (case.grid, -1)).transpose(3, 4).flatten(2, 3)
    moved = cells[:, :, case.permutation(case.grid**2)].unflatten(2, (case.grid, case.grid)).transpose(3, 4)
    return moved.reshape(case.batch, case.channels, side, side)


def given(**wishes: int) -> Probe:
    sizes: Any = {
        "batch": 2, "grid": 2, "patch_size": 2, "channels": 3, "classes": 4, "num_heads": 2, "d_head": 3, "layers": 2,
    }  # fmt: skip
    return Probe(lambda case: draw(case.at(**sizes | wishes)))


COMPONENT = Component(
    __name__,
    draw,
    cases=[
        Case(seed=871, batch=2, grid=3, patch_size=2, channels=3, classes=5, num_heads=2, d_head=5, layers=2),
        Case(seed=872, batch=3, grid=2, patch_size=3, channels=1, classes=7, num_heads=3, d_head=4, layers=1),
    ],
    parts=("the logits",),
    forbids="blocks",
    probes={"two blocks": given(), "one block": given(layers=1), "one patch": given(grid=1), "no block": given(layers=0)},
)


@COMPONENT.law(points=0.25, once=True)
def takes_real_weights(candidate: Candidate, case: Case) -> None:
    """The weights of a real ViT go in, and no others

    `load_pretrained` looks for `blocks`, `norm` and `classifier` beside what is given. What does each of them hold, of what size?
    """
    drawn, width = draw(case), case.num_heads * case.d_head
    with contextlib.suppress(CandidateError):
        candidate.raw(modules.unloaded(drawn))  # so that a call of what it was to build is seen before names are
    pooler = {"vit.pooler.dense.weight": torch.ones(width, width), "vit.pooler.dense.bias": torch.ones(width)}
    checkpoints.goes_in(candidate, drawn, pooler)


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def sees_every_patch(candidate: Candidate, case: Case) -> None:
    """Every patch of a picture has a say in its logits, and no other picture has

    Follow one patch: into which vector does it go, and how does that reach the vector that is classified?
    """
    drawn = draw(case)
    logits, images = candidate.use(drawn), drawn.inputs["images"]
    for row, column in ((0, 0), (case.grid - 1, 0), (case.grid - 1, case.grid - 1)):
        place = [slice(n * case.patch_size, (n + 1) * case.patch_size) for n in (row, column)]
        other = images.clone()
        other[0, :, place[0], place[1]] = case.normal(case.channels, case.patch_size, case.patch_size)
        change = (candidate.use(drawn.with_inputs(images=other)) - logits).abs().amax(-1) > SEEN
        told = f"the patch in row {row}, column {column} of the first picture was changed"
        expect.true(bool(change[0]), f"{told}, and its logits are as they were.")
        expect.true(not bool(change[1:].any()), f"{told}, and so are the logits of others.")


@COMPONENT.law(points=0.5, needs=sees_every_patch)
def agrees(candidate: Candidate, case: Case) -> None:
    """The logits are those of a ViT with the same weights: a class token in front, positions, blocks, norm, classifier

    Which vectors go into the first block, and how many? Which one of them is classified in the end?
    """
    drawn = draw(case)
    logits, state = candidate.use(drawn), drawn.state or {}
    other = candidate.use(replace(drawn, state={**state, CLASS: case.normal(*state[CLASS].shape)}))
    moved = candidate.use(drawn.with_inputs(images=rearranged(drawn, case)))
    told = "{} in another order, and the logits are as they were."
    expect.true(bool(((other - logits).abs() > SEEN).any()), "the class token has no say in the logits.", "no-class-token")
    expect.true(bool(((moved - logits).abs() > SEEN).any()), told.format("the patches stand"), "no-positions")
    agree(candidate, drawn)
    agree(candidate, bent(drawn), "where the feed-forward networks' numbers are about -3")


@COMPONENT.law(points=0.25, needs=sees_every_patch, edge=True)
def tiny_numbers(candidate: Candidate, case: Case) -> None:
    """Every norm has an eps of 1e-12: numbers as small as 1e-4 are normalised like others

    There are two norms in a block and one at the end. Which of them have the eps that real checkpoints were trained with?
    """
    if settled(candidate, draw(case)):
        agree(candidate, sized(draw(case), 1e-4), "where all embeddings are as small as 1e-4")


@COMPONENT.law(points=0.25, needs=sees_every_patch, edge=True, once=True)
def dropout_in_training_alone(candidate: Candidate, case: Case) -> None:
    """Dropout acts in training and nowhere else

    Where is the argument dropout handed on to, and which of your layers knows whether the model is in training?
    """
    dropout.in_training(candidate, shallow(case))


COMPONENT.add(keeps_precision(COMPONENT, 0.25, sees_every_patch, lambda case: sized(shallow(case), 1e3)))


@COMPONENT.law(points=0.25, needs=sees_every_patch, once=True)
def every_number_learns(candidate: Candidate, case: Case) -> None:
    """It learns as many numbers as a real ViT: gradients reach the pictures and every parameter and are right

    Stay with tensor operations on the whole path from the pictures and parameters to the logits.
    """
    drawn = draw(case)
    checkpoints.size(candidate, drawn)
    gradients_agree(candidate, drawn)
    checkpoints.every_number_learns(candidate, drawn, settled(candidate, drawn))


COMPONENT.add(  # the last one: what was built is lost on the other device
    any_size_and_device(COMPONENT, 0.25, sees_every_patch, ("batch", "grid", "patch_size", "channels", "classes"), shallow)
)

"""What is checked of ViT."""

from dataclasses import replace

import torch

from autograder.words import Candidate, Case, Component, Drawn, agree, checkpoints, expect

CLASS, PLACES, PATCH = (f"vit.embeddings.{x}" for x in ("cls_token", "position_embeddings", "patch_embeddings.projection"))
SUMMED = ("embeddings.", "output.dense.")  # what the norms get is made of these
SEEN = 1e-4


def draw(case: Case) -> Drawn:
    """Pictures of `grid` x `grid` patches, and weights under the names of a real checkpoint."""
    d_model, d_ff = case.num_heads * case.d_head, 2 * case.num_heads * case.d_head + 1
    side = case.grid * case.patch_size
    layers = {PATCH: (d_model, case.channels, case.patch_size, case.patch_size), "classifier": (case.classes, d_model)}
    shapes: checkpoints.Shapes = {CLASS: (1, 1, d_model), PLACES: (1, case.grid**2 + 1, d_model)}
    for name in (f"vit.encoder.layer.{number}" for number in range(case.layers)):
        shapes |= checkpoints.encoder_layer(name, d_model, d_ff, "attention", ("layernorm_before", "layernorm_after"))
    state = checkpoints.weights(case, shapes | checkpoints.affine(layers, ["vit.layernorm"], d_model))
    sizes = (side, case.patch_size, case.channels, case.classes, d_model, case.num_heads, d_ff, case.layers)
    images = case.normal(case.batch, case.channels, side, side)
    return Drawn({"images": images}, {}, sizes, {}, state, loader=checkpoints.LOADER)


def shallow(case: Case) -> Drawn:
    return draw(case.at(layers=1))


def large(case: Case) -> Drawn:
    """One block, and numbers so large that the eps of its norms does not show."""
    return checkpoints.sized(shallow(case), 1e3, *SUMMED)


SMALL = {"batch": 2, "grid": 2, "patch_size": 2, "channels": 3, "classes": 4, "num_heads": 2, "d_head": 3, "layers": 2}
COMPONENT = Component(
    draw,
    cases=Case.table(
        871, "batch grid patch_size channels classes num_heads d_head layers", (2, 3, 2, 3, 5, 2, 5, 2), (3, 2, 3, 1, 7, 3, 4, 1)
    ),
    parts=("the logits",),
    forbids="blocks",
    probes={
        "two blocks": checkpoints.given(draw, **SMALL),
        "one block": checkpoints.given(draw, **SMALL | {"layers": 1}),
        "one patch": checkpoints.given(draw, **SMALL | {"grid": 1}),
        "no block": checkpoints.given(draw, **SMALL | {"layers": 0}),
    },
)


takes_real_weights = checkpoints.takes_real_weights(
    COMPONENT, "ViT",
    "`load_pretrained` looks for `blocks`, `norm` and `classifier` beside what is given. What does each hold, of what size?",
    lambda state: dict.fromkeys(("vit.pooler.dense.weight", "vit.pooler.dense.bias"), torch.ones(2)),
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def sees_every_patch(candidate: Candidate, case: Case) -> None:
    """Every patch of a picture has a say in its logits, and no other picture has

    Follow one patch: into which vector does it go, and how does that reach the vector that is classified?
    """
    drawn = shallow(case)
    logits, images = candidate.use(drawn), drawn.inputs["images"]
    for row, column in ((0, 0), (case.grid - 1, 0), (case.grid - 1, case.grid - 1)):
        place = [slice(n * case.patch_size, (n + 1) * case.patch_size) for n in (row, column)]
        other = images.clone()
        other[0, :, place[0], place[1]] = case.normal(case.channels, case.patch_size, case.patch_size)
        change = (checkpoints.again(candidate, drawn.with_inputs(images=other), logits) - logits).abs().amax(-1) > SEEN
        told = f"the patch in row {row}, column {column} of the first picture was changed"
        expect.true(bool(change[0]), f"{told}, and its logits are as they were.")
        expect.true(not bool(change[1:].any()), f"{told}, and so are the logits of others.")


@COMPONENT.law(points=0.5, needs=sees_every_patch)
def agrees(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """The logits are those of a ViT with the same weights: a class token in front, positions, blocks, norm, classifier

    Which vectors go into the first block, and how many? Which one of them is classified in the end?
    """
    logits, state = candidate.use(drawn), drawn.state or {}
    other = replace(drawn, state={**state, CLASS: case.normal(*state[CLASS].shape)})
    moved = drawn.with_inputs(images=drawn.inputs["images"].roll(case.patch_size, dims=-1))
    other_is_seen, move_is_seen = (
        bool(((checkpoints.again(candidate, use, logits) - logits).abs() > SEEN).any()) for use in (other, moved)
    )
    expect.true(other_is_seen, "the class token has no say in the logits.", "no-class-token")
    expect.true(move_is_seen, "the patches stand in another order, and the logits are as they were.", "no-positions")
    expect.close(logits, candidate.right(drawn), "the logits")
    checkpoints.agrees_at_the_bend(candidate, drawn, "intermediate.dense", "output.dense")


@COMPONENT.law(points=0.25, needs=sees_every_patch, edge=True)
def tiny_numbers(candidate: Candidate, case: Case) -> None:
    """Every norm has an eps of 1e-12: numbers as small as 1e-4 are normalised like others

    There are two norms in a block and one at the end. Which of them have the eps that real checkpoints were trained with?
    """
    if checkpoints.settled(candidate, case.at(layers=1), large):
        tiny = checkpoints.sized(draw(case), 1e-4, *SUMMED)
        agree(candidate, tiny, "where all embeddings are as small as 1e-4")


checkpoints.add_common(COMPONENT, sees_every_patch, ("batch", "grid", "patch_size", "channels", "classes"), precise=large)

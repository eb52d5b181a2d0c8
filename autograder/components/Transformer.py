"""What is checked of Transformer."""

from dataclasses import replace
from functools import cache
from typing import Any

import torch

from autograder.shared_laws.agreement import agree, any_size_and_device, gradients_arrive, keeps_precision, proving
from autograder.words import Candidate, Case, Component, Drawn, Failed, Probe, checkpoints, dropout, expect, modules
from utils import reference


def draw(case: Case, target_len: int | None = None, pads: bool = True, pad_id: int | None = None) -> Drawn:
    """Source and target of a small model with random weights; every source but the first ends in padding."""
    d_model, pad_id = case.num_heads * case.d_head, case.pad_id if pad_id is None else pad_id
    source = case.integers(1, case.source_vocab, case.batch, case.source_len)
    source[source == pad_id] = 1
    if pads:
        lengths = case.integers(1, case.source_len + 1, case.batch)
        source[1:][torch.arange(case.source_len) >= lengths[1:, None]] = pad_id
    target = case.integers(1, case.target_vocab, case.batch, target_len or case.target_len)
    target[target == pad_id] = 1
    sizes = (case.source_vocab, case.target_vocab, d_model, case.num_heads, 2 * d_model, case.layers)
    settings = {"pad_id": pad_id} if pad_id else {}
    return Drawn({"source": source, "target_in": target}, {}, sizes, settings, _state(case, sizes))


def _state(case: Case, sizes: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Random weights that keep every sublayer's part visible."""
    state = {}
    for name, shape in _shapes(sizes).items():
        scale = 1.0 if "embedding" in name else 0.2 if len(shape) == 1 else shape[-1] ** -0.5
        state[name] = case.normal(*shape, scale=scale) + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
    return state


@cache
def _shapes(sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    with torch.random.fork_rng(devices=[]):
        return {name: tuple(x.shape) for name, x in reference.Transformer(*sizes).state_dict().items()}


def shallow(case: Case) -> Drawn:
    """A model of one block a side, for laws to which a second one adds time alone."""
    return draw(case.at(layers=1))


def given(**wishes: Any) -> Probe:
    sizes = {"batch": 2, "source_len": 4, "target_len": 3, "source_vocab": 7, "target_vocab": 6}
    sizes |= {"num_heads": 2, "d_head": 3, "layers": 2, "pad_id": 0}
    return modules.probe(lambda case: draw(case, **wishes), sizes)


COMPONENT = Component(
    draw,
    cases=Case.table(
        751,
        "batch source_len target_len source_vocab target_vocab num_heads d_head layers pad_id",
        (3, 5, 7, 11, 13, 2, 5, 2, 0),
        (2, 7, 3, 7, 5, 3, 4, 1, 2),
    ),
    parts=("the logits",),
    forbids="blocks",
    probes={
        "no padding": given(pads=False),
        "padding": given(),
        "other padding": given(pad_id=3),
        "one target": given(target_len=1, pads=False),
    },
)
has_exactly = modules.has_exactly(
    COMPONENT, 0.25, "Its parameters are those of its embeddings, its blocks and its output layer",
    "Compare with the table of names above: two embeddings, two lists of blocks, one output layer.", once=True,
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=has_exactly)
def listens_to_both(candidate: Candidate, case: Case) -> None:
    """The logits hang on every word of the source and on what the target has so far

    Which path leads from the source to the logits, and which from the target?
    """
    drawn = draw(case, pads=False)
    logits = candidate.use(drawn)
    for name, size in (("source", case.source_vocab), ("target_in", case.target_vocab)):
        other = drawn.inputs[name].clone()
        other[:, 0] = (other[:, 0] % (size - 1)) + 1
        change = (checkpoints.again(candidate, drawn.with_inputs(**{name: other}), logits) - logits).abs().amax(-1)
        expect.true(bool((change > 1e-5).all()), f"the first token of {name} was changed, and some logits are as they were.")


@COMPONENT.law(points=0.75, needs=listens_to_both)
def agrees(candidate: Candidate, case: Case) -> None:
    """The logits agree with a model of PyTorch's own layers

    Embed, scale, add the positions; the encoder's blocks; the decoder's blocks with the memory; the output layer.
    """
    agree(candidate, draw(case, pads=False), "without padding")
    agree(candidate, draw(case), "with padding in the source")
    long = draw(case.at(batch=1, source_len=130), 140, pads=False)
    agree(candidate, long, "of long sentences")


checkpoints.add_no_future(
    COMPONENT, listens_to_both, 0.5, "target_in", "target_vocab",
    "In training the whole target goes in at once: what keeps a place from reading the answer behind it?",
    of="the target", once=False,
)  # fmt: skip


@COMPONENT.law(points=0.5, needs=listens_to_both)
def padding_has_no_influence(candidate: Candidate, case: Case) -> None:
    """Padding in the source has no influence, in the encoder and in the decoder

    There are two attentions that look at the source. Which tokens must neither of them see?
    """
    drawn, pad_id = draw(case), case.pad_id
    logits, row = candidate.use(drawn), case.normal(case.num_heads * case.d_head, scale=3.0)
    is_pad = torch.arange(case.source_vocab)[:, None] == pad_id
    with proving("padding-ignored"):
        moved = modules.changed(drawn, "source_embedding.weight", lambda table: torch.where(is_pad, row, table))
        other = checkpoints.again(candidate, moved, logits)
        expect.close(other, logits, f"the logits after the embedding of padding was changed, for {pad_id=},")
        wider = torch.nn.functional.pad(drawn.inputs["source"], (0, 3), value=pad_id)
        longer = checkpoints.again(candidate, drawn.with_inputs(source=wider), logits)
        expect.close(longer, logits, f"the logits after more padding, for {pad_id=},")


@COMPONENT.law(points=0.25, needs=listens_to_both, once=True)
def methods_fit_together(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """`decode` of what `encode` gives is what the model gives at once

    `forward` needs nothing of its own: which two steps is it made of?
    """
    source, target = drawn.inputs["source"], drawn.inputs["target_in"]
    memory = candidate.raw(replace(drawn, inputs={"source": source}, method="encode"))
    width = case.num_heads * case.d_head
    if not isinstance(memory, torch.Tensor) or memory.shape != (*source.shape, width) or not memory.is_floating_point():
        raise Failed(f"the memory: expected a tensor of shape {(*source.shape, width)}, got {expect.kind_of(memory)}.")
    parts, logits = {"target_in": target, "memory": memory, "source": source}, candidate.use(drawn)
    decoded = checkpoints.again(candidate, replace(drawn, inputs=parts, method="decode"), logits)
    expect.close(decoded, logits, "the logits of decode(…, encode(…), …)")


@COMPONENT.law(points=0.25, needs=listens_to_both, once=True)
def order_matters(candidate: Candidate, case: Case) -> None:
    """The order of the words matters, in the source and in the target

    Attention alone does not see where a word stands: what tells it, and to which of the two sides is that added?
    """
    drawn = draw(case, pads=False)
    source, logits = drawn.inputs["source"], candidate.use(drawn)
    turned = checkpoints.again(candidate, drawn.with_inputs(source=source.flip(1)), logits)
    moved = bool(((turned - logits).abs() > 1e-4).any()) or torch.equal(source, source.flip(1))
    expect.true(moved, "the source was turned round, and the logits are as they were.", "no-positional-encoding")
    same = torch.ones_like(drawn.inputs["target_in"])
    still = checkpoints.again(candidate, drawn.with_inputs(target_in=same), logits)
    told = "a target of one word, repeated, gets the same logits at every place: its places look alike."
    expect.true(bool(((still[:, 1:] - still[:, :1]).abs() > 1e-4).any()), told, "no-positional-encoding")


dropout.add_in_training_alone(
    COMPONENT, listens_to_both, "Which of your layers knows whether the model is in training?", shallow,
)  # fmt: skip
COMPONENT.add(keeps_precision(COMPONENT, 0.25, listens_to_both, shallow, tolerance=(1e-6, 1e-6)))
COMPONENT.add(replace(gradients_arrive(COMPONENT, 0.25, listens_to_both), once=True))
COMPONENT.add(  # the last one: what was built is lost on the other device
    any_size_and_device(COMPONENT, 0.25, listens_to_both, ("batch", "source_len", "target_len", "num_heads"), shallow)
)

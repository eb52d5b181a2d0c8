"""What is checked of label_smoothed_loss."""

from typing import Any

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, add_common, agree, expect, loss_falls, proving, settled


def draw(case: Case, pad_id: int = 1, smoothing: float | None = None, pads: bool = True) -> Drawn:
    """Logits, and targets of which every row but the first ends in padding."""
    targets = case.integers(2, case.vocab, case.batch, case.seq)
    if pads:
        lengths = case.integers(1, case.seq + 1, case.batch)
        targets[1:][torch.arange(case.seq) >= lengths[1:, None]] = pad_id
    options = {} if smoothing is None else {"smoothing": smoothing}
    return Drawn(
        {"logits": case.normal(case.batch, case.seq, case.vocab, scale=2.0), "targets": targets, "pad_id": pad_id}, options
    )


def given(**wishes: Any) -> Probe:
    return Probe(lambda case: draw(case.at(batch=3, seq=4, vocab=6), **wishes))


COMPONENT = Component(
    draw,
    cases=Case.table(711, "batch seq vocab", (3, 5, 7), (2, 7, 11)),
    parts=("the loss",),
    forbids="smoothing",
    probes={
        "no padding": given(pads=False),
        "padding": given(),
        "padding outside the vocabulary": given(pad_id=-100),
        "no smoothing": given(smoothing=0.0, pads=False),
        "much smoothing": given(smoothing=0.4, pads=False),
    },
)


@COMPONENT.law(points=0.25)
def better_guess_smaller_loss(candidate: Candidate, case: Case) -> None:
    """A better guess has a smaller loss

    The loss asks for the logarithm of the probability of each target: which entry of the logits is that?
    """
    drawn = draw(case, pads=False)
    logits, targets = drawn.inputs["logits"], drawn.inputs["targets"]
    better = logits.scatter_add(-1, targets[..., None], torch.ones_like(logits[..., :1]))
    loss_falls(candidate, drawn, drawn.with_inputs(logits=better), "the logit of every target was raised")


@COMPONENT.law(points=0.25, needs=better_guess_smaller_loss)
def agrees(candidate: Candidate, case: Case) -> None:
    """Without padding it is PyTorch's smoothed cross-entropy, for any smoothing

    Two parts: what the target gets, and what is spread evenly over the whole vocabulary, the target included.
    """
    for smoothing in (None, 0.0, 0.3):
        agree(candidate, draw(case, smoothing=smoothing, pads=False), f"with {smoothing=}" if smoothing is not None else "")


@COMPONENT.law(points=0.25, needs=better_guess_smaller_loss)
def padding_does_not_count(candidate: Candidate, case: Case) -> None:
    """Padding does not count, wherever its id lies

    Of how many targets is the mean taken? What becomes of the places that hold pad_id?
    """
    plain = settled(candidate, draw(case, pads=False))
    for pad_id in (1, 0, -100):
        drawn = draw(case, pad_id)
        pads = drawn.inputs["targets"] == pad_id
        other = torch.where(pads[..., None], case.normal(*drawn.inputs["logits"].shape, scale=4.0), drawn.inputs["logits"])
        with proving("pads-counted"):
            changed = candidate.use(drawn.with_inputs(logits=other))
            expect.close(changed, candidate.use(drawn), f"the loss after logits at padding were changed, for pad_id={pad_id},")
            longer = {name: torch.cat([x, x], dim=1) for name, x in drawn.inputs.items() if isinstance(x, torch.Tensor)}
            longer["targets"][:, case.seq :] = pad_id
            whole = candidate.use(drawn.with_inputs(**longer))
            expect.close(whole, candidate.use(drawn), f"the loss after padding was added to every row, for pad_id={pad_id},")
        if plain:
            agree(candidate, drawn, f"with padding, for {pad_id=},")


@COMPONENT.law(points=0.25, needs=better_guess_smaller_loss, edge=True)
def nothing_but_padding(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Where all is padding the loss is 0.0

    A mean over nothing is 0 / 0: which number do you divide by?
    """
    empty = candidate.use(drawn.with_inputs(targets=torch.full_like(drawn.inputs["targets"], 1)))
    expect.close(empty, torch.zeros_like(empty), "the loss of a batch of padding")


def full(case: Case) -> Drawn:
    return draw(case, pads=False)


add_common(COMPONENT, better_guess_smaller_loss, ("batch", "seq"), small=full, precise=full, learning=lambda case: [full(case)])

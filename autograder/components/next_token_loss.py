"""What is checked of next_token_loss."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, Probe, agree, gradients_agree, loss_falls, precision


def draw(case: Case) -> Drawn:
    """Logits, and tokens of which no two neighbours are alike."""
    steps = case.integers(1, case.vocab, case.batch, case.seq)
    return Drawn({"logits": case.normal(case.batch, case.seq, case.vocab, scale=2.0), "tokens": steps.cumsum(1) % case.vocab})


COMPONENT = Component(
    draw,
    cases=Case.table(841, "batch seq vocab", (3, 7, 5), (2, 5, 11)),
    parts=("the loss",),
    probes=Probe.table(draw, "batch seq vocab", {"plain": (2, 5, 6), "two tokens": (3, 2, 4)}),
)


@COMPONENT.law(points=0.25)
def better_guess_smaller_loss(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """In a text of one token, repeated, a larger logit of that token makes the loss smaller

    The loss asks for the logarithm of the probability of each next token: which entry of the logits is that?
    """
    same = drawn.with_inputs(tokens=torch.full_like(drawn.inputs["tokens"], case.vocab - 1))
    better = drawn.inputs["logits"].clone()
    better[..., -1] += 1.0
    loss_falls(candidate, same, same.with_inputs(logits=better), "the logit of every next token was raised by 1")


@COMPONENT.law(points=0.25, needs=better_guess_smaller_loss)
def agrees(candidate: Candidate, case: Case) -> None:
    """It is the mean cross-entropy of each next token

    Write three tokens in a row, and below each what the model is asked for at that place. Which place is asked for nothing?
    """
    agree(candidate, draw(case))
    agree(candidate, draw(case.at(seq=2)), "of two tokens")


@COMPONENT.law(points=0.25, needs=agrees, once=True)
def fit_for_training(candidate: Candidate, case: Case) -> None:
    """Its gradients are right, for a single row too, and it keeps the precision of the logits

    Stay with tensor operations on the whole path from the logits to the loss, and with the dtype of the logits.
    """
    for batch in (case.batch, 1):
        for drawn in (draw(case.at(batch=batch)), draw(case.at(torch.float64, batch=batch))):
            gradients_agree(candidate, drawn, f"for {batch=}")
    precision(candidate, case, draw)

"""Laws on masks (True = may attend), for functions and for layers that return (output, weights)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from autograder.framework.authoring import Candidate, Case, Component, Drawn, Law, expect
from autograder.shared_laws.agreement import agree, gradients_finite, proving, settled


def distribution(weights: torch.Tensor) -> None:
    """Each row of weights is positive and sums to one."""
    expect.true(bool((weights >= 0).all()), "some weights are negative.")
    sums = weights.sum(-1)
    expect.close(sums, torch.ones_like(sums), "the sum of each row of weights")


def in_order_of_fit(found: torch.Tensor, drawn: Drawn, what: str) -> None:
    """The better a key fits a query, by their dot product, the more of `found` (..., q_len, k_len) it has."""
    fits = drawn.inputs["q"] @ drawn.inputs["k"].mT
    expect.equal(found.argsort(-1), fits.argsort(-1), f"the keys of each query in the order of their {what}")


def no_influence(candidate: Candidate, drawn: Drawn, masked: Drawn, mask: torch.Tensor) -> None:
    """Keys that `mask` forbids have weight 0, and the output is the same where `masked` holds other numbers in their places."""
    output, weights = candidate.use(drawn.with_options(mask=mask))
    hidden = ~expand(mask, weights)
    seen = torch.where(hidden, weights, 0.0)
    expect.close(seen, torch.zeros_like(seen), "the weights of masked keys")
    changed, _ = candidate.use(masked.with_options(mask=mask))
    expect.close(changed, output, "the output after masked keys and values were changed")


def add_distribution(component: Component, needs: Callable | None, sentence: str, hint: str) -> Callable:
    """Adds a law of a quarter: of what comes back, output and weights, each row of weights is a distribution."""

    def judge(candidate: Candidate, case: Case) -> None:
        _, weights = candidate.use(component.draw(case))
        distribution(weights)

    judge.__name__ = distribution.__name__
    return component.add(Law(judge.__name__, sentence, hint, judge, 0.25, needs.__name__ if needs else None))


def blind(candidate: Candidate, drawn: Drawn, mask: torch.Tensor, where: str, proves: str | None = None) -> None:
    """A query that may attend to nothing gets weights 0, and nothing is NaN; else all is as the oracle says.

    `proves` is the id that holds where it gets weight or NaN.
    """
    masked = drawn.with_options(mask=mask)
    output, weights = candidate.use(masked)
    nothing = ~expand(mask, weights).any(-1)
    rows = torch.where(nothing[..., None], weights, 0.0)
    with proving(proves):
        expect.close(rows, torch.zeros_like(rows), f"the weights of a query that may attend to nothing, {where}")
        expect.finite(output, f"the output {where}")
    if settled(candidate, drawn):
        agree(candidate, masked, where)


def blind_rows(candidate: Candidate, drawn: Drawn, one: torch.Tensor, where: str = "where one query sees nothing") -> None:
    """Queries that may attend to nothing, those of the mask `one` and all of them: weights 0, no NaN, finite gradients.

    This alone proves `all-masked-nan`.
    """
    nothing = torch.zeros(1, one.shape[-1], dtype=torch.bool)
    for mask, named in ((one, where), (nothing, "where no query sees anything")):
        blind(candidate, drawn, mask, named, "all-masked-nan")
    with proving("all-masked-nan"):
        gradients_finite(candidate, drawn.with_options(mask=one), where)


def every_shape(candidate: Candidate, drawn: Drawn, masks: Sequence[torch.Tensor]) -> None:
    """Masks of every allowed shape give the oracle's result; where the plain one differs, weights 0 where they forbid."""
    plain = settled(candidate, drawn)
    for mask in masks:
        where, masked = f"with a mask of shape {tuple(mask.shape)}", drawn.with_options(mask=mask)
        if plain:
            agree(candidate, masked, where)
            continue
        _, weights = candidate.use(masked)
        hidden = torch.where(expand(mask, weights), 0.0, weights)
        expect.close(hidden, torch.zeros_like(hidden), f"the weights of masked keys {where}")
        distribution(weights)


def chessboard(*shape: int) -> torch.Tensor:
    """A mask that hides every other key; no row is hidden whole, so that an answer's way with blind rows does not show."""
    return torch.ones(shape).nonzero().sum(-1).reshape(shape) % 2 == 0


def look_ahead(seq: int) -> torch.Tensor:
    """A causal mask."""
    return torch.ones(seq, seq, dtype=torch.bool).tril()


def expand(mask: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The mask in the shape of the weights; the axis of heads is put where weights have one more axis than a batch of masks."""
    heads = weights.dim() == 4 and mask.dim() == 3
    return (mask.unsqueeze(1) if heads else mask).expand(weights.shape)

"""What is checked of layers of several heads, which take query, key, value and a mask and return (output, weights)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from autograder.framework.authoring import Candidate, Case, Component, Drawn, Failed, Law, expect
from autograder.shared_laws import masks
from autograder.shared_laws.agreement import gradients_agree, proving, settled
from autograder.shared_laws.modules import changed

SEEN = 1e-4  # a change by less than this is not one


def query_key_value(case: Case, d_model: int) -> dict[str, object]:
    """Three different tensors."""
    lengths = {"query": case.q_len, "key": case.k_len, "value": case.k_len}
    return {name: case.normal(case.batch, length, d_model) for name, length in lengths.items()}


def loses_nothing(component: Component) -> Callable:
    """Adds a law of a quarter: every number of `x` comes out once, wherever it stands, and a gradient flows back to it."""

    def loses_nothing(candidate: Candidate, case: Case) -> None:
        drawn = component.draw(case)
        got, x = candidate.use(drawn), drawn.inputs["x"]
        expect.close(got.flatten().sort().values, x.flatten().sort().values, "the numbers in order of size")
        gradients_agree(candidate, drawn)

    return component.add(Law(
        loses_nothing.__name__, "Every number of x comes out once, and its gradient finds the way back",
        "The numbers change their places and nothing else: rearrange x with tensor operations.", loses_nothing, 0.25,
    ))  # fmt: skip


def looks_and_mixes(candidate: Candidate, drawn: Drawn) -> None:
    """Each row of weights is a distribution; the weights come from `w_q`, the output from `w_v`."""
    output, weights = candidate.use(drawn)
    masks.distribution(weights)
    _, others = candidate.use(changed(drawn, "w_q.weight", lambda w: -2.0 * w))
    if not bool(((others - weights).abs() > SEEN).any()):
        raise Failed("the weights are the same whatever numbers stand in `w_q.weight`.")
    moved, _ = candidate.use(changed(drawn, "w_v.weight", lambda w: -2.0 * w))
    if not bool(((moved - output).abs() > SEEN).any()):
        raise Failed("the output is the same whatever numbers stand in `w_v.weight`.")


def uneven(case: Case) -> Iterator[dict[str, int]]:
    """Sizes of which num_heads does not divide d_model."""
    d_model = case.num_heads * case.d_head
    for num_heads in (case.num_heads + 1, d_model + 2):
        if d_model % num_heads:
            yield {"d_model": d_model, "num_heads": num_heads}


def masked_has_no_influence(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Masked keys get weight 0; where the plain result is right, their keys and values may be anything."""
    mask = case.mask(case.batch, 1, case.k_len)
    if not settled(candidate, drawn):
        masks.every_shape(candidate, drawn, [mask])
        return
    other = {name: case.normal(case.batch, case.k_len, drawn.sizes[0], scale=5.0) for name in ("key", "value")}  # type: ignore[index]
    changed = {name: torch.where(mask.mT, drawn.inputs[name], x) for name, x in other.items()}
    masks.no_influence(candidate, drawn, drawn.with_inputs(**changed), mask)
    _, weights = candidate.use(drawn.with_options(mask=mask))
    masks.distribution(weights)


def masks_of_every_shape(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """Masks of two and of three axes, each axis at 1 as well; no row of them sees nothing."""
    batch, q_len, k_len = case.batch, case.q_len, case.k_len
    shapes = [(q_len, k_len), (1, k_len), (1, 1, k_len), (1, q_len, k_len), (batch, 1, k_len), (batch, q_len, k_len)]
    everything = [torch.ones(q_len, 1, dtype=torch.bool), torch.ones(batch, 1, 1, dtype=torch.bool)]
    masks.every_shape(candidate, drawn, [*(case.mask(*shape) for shape in shapes), *everything])


def blind_rows(candidate: Candidate, case: Case, drawn: Drawn) -> None:
    """A query that may attend to nothing: weights 0, no NaN, finite gradients."""
    one = case.mask(case.batch, case.q_len, case.k_len)
    one[:, -1] = False
    masks.blind_rows(candidate, drawn, one)
    with proving("all-masked-nan"):
        gradients_agree(candidate, drawn.with_options(mask=one), "where one query sees nothing", path=False)


def same_weights_elsewhere(candidate: Candidate, drawn: Drawn, head: int, num_heads: int) -> None:
    """Where the rows of `w_q` of one head are others, that head's weights are others, and no other head's."""
    _, before = candidate.use(drawn)
    _, after = candidate.use(changed(drawn, "w_q.weight", lambda w: _with_others(w, head, num_heads)))
    moved = bool(((after[:, head] - before[:, head]).abs() > SEEN).any())
    expect.true(moved, f"the rows of `w_q` of head {head} were changed, and its weights are as before.")
    rest = [h for h in range(num_heads) if h != head]
    expect.close(after[:, rest], before[:, rest], "the weights of the heads whose rows of `w_q` stayed the same")


def _with_others(weight: torch.Tensor, head: int, num_heads: int) -> torch.Tensor:
    parts = list(weight.chunk(num_heads))
    parts[head] = -2.0 * parts[head]
    return torch.cat(parts)

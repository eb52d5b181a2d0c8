"""Laws on dropout: in training alone, and there as much as was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from autograder.framework.authoring import Candidate, Case, Component, Drawn, Failed, Law, expect
from autograder.shared_laws.agreement import parts, proving, settled

RATE = 0.25
_ALIKE = 1e-3  # of a whole entry: what is less counts as 0


def add_in_training_alone(
    component: Component, needs: Callable, hint: str, draw: Callable[[Case], Drawn], sublayers: Mapping[str, str] | None = None
) -> None:
    """Adds a law of a quarter: dropout acts in training and nowhere else, and on what each of a block's `sublayers` gives."""

    def dropout_in_training_alone(candidate: Candidate, case: Case) -> None:
        in_training(candidate, draw(case))
        if sublayers:
            of_sublayers(candidate, draw(case), sublayers)

    component.add(Law(
        dropout_in_training_alone.__name__, "Dropout acts in training and nowhere else", hint, dropout_in_training_alone, 0.25,
        needs.__name__, edge=True, once=True,
    ))  # fmt: skip


def in_training(candidate: Candidate, drawn: Drawn, rate: float = RATE) -> Any:
    """The result in training with dropout; in evaluation, and in training without it, the result is the plain one.

    `drawn` is the plain use, in evaluation without dropout. Each part of the result is whole in evaluation; at least one
    differs in training.
    """
    plain = candidate.use(drawn)
    asked = replace(drawn, settings={**drawn.settings, "dropout": rate})
    try:
        _whole(candidate, asked, plain, f"with dropout={rate} in evaluation mode, beside the one without dropout")
    except Failed:
        with proving("dropout-in-eval" if _differ(candidate, asked) else None):
            raise
    _whole(candidate, replace(drawn, training=True, seed=1), plain, "in training mode with dropout=0.0, beside evaluation mode")
    result = _trained(candidate, drawn, rate)
    if _same(candidate, result, plain):
        raise Failed(f"in training mode with dropout={rate} the result is the same as without dropout.")
    return result


def _differ(candidate: Candidate, drawn: Drawn) -> bool:
    """Whether the result depends on chance."""
    one, other = (candidate.use(replace(drawn, seed=seed)) for seed in (1, 2))
    return not _same(candidate, one, other)


def _same(candidate: Candidate, one: object, other: object) -> bool:
    return all(torch.equal(a, b) for _, a, b in parts(candidate.component, one, other))


def _whole(candidate: Candidate, drawn: Drawn, plain: object, where: str) -> None:
    for name, got, right in parts(candidate.component, candidate.use(drawn), plain):
        expect.close(got, right, f"{name} {where}")


def dropped(got: torch.Tensor, whole: torch.Tensor, what: str, rate: float = RATE) -> None:
    """Each entry of `got` is 0 or that of `whole` scaled up; a share of `rate` is 0, and not the same in every row.

    No entry of `whole` is 0.
    """
    gone = got.abs() < _ALIKE * whole.abs()
    count, zeros = gone.numel(), int(gone.sum())
    if abs(zeros - rate * count) >= 6 * (count * rate * (1 - rate)) ** 0.5:
        raise Failed(f"in training with dropout={rate}, {zeros} of {count} {what} are 0.")
    right = torch.where(gone, 0.0, whole / (1 - rate))
    expect.close(got, right, f"{what} in training with dropout={rate} (each is 0 or scaled up, so that the average stays)")
    rows = gone.reshape(-1, gone.shape[-1])
    expect.true(len(rows) == 1 or not bool((rows == rows[:1]).all()), f"the same {what} are dropped in every row.")


def of_sublayers(candidate: Candidate, drawn: Drawn, last: Mapping[str, str], rate: float = RATE) -> None:
    """What each sublayer of a block hands on is dropped out before it is added, and something inside it is, too.

    `drawn` is the use of a block with residual sums, in evaluation and without dropout; `last` is {sublayer: its last layer}.
    One sublayer at a time hands something on. Where norms come first the sum shows it as it is.
    """
    state, x = drawn.state or {}, drawn.inputs["x"]
    first = replace(drawn, settings={**drawn.settings, "norm_first": True})
    plain = settled(candidate, first)
    ends = {f"{name}.{layer}.{part}" for name, layer in last.items() for part in ("weight", "bias")}
    quiet = {name: torch.zeros_like(value) if name in ends else value for name, value in state.items()}
    for name, layer in last.items():
        weight, bias = f"{name}.{layer}.weight", f"{name}.{layer}.bias"
        constant = {**quiet, bias: torch.ones_like(state[bias])}
        use = replace(drawn, state=constant)
        if torch.equal(_trained(candidate, use, rate), candidate.use(use)):
            raise Failed(f"in training with dropout={rate} the output of `{name}` is added as it is.")
        if not plain:
            continue
        added = _trained(candidate, replace(first, state=constant), rate) - x
        dropped(added, torch.ones_like(added), f"numbers that `{name}` hands on with norm_first=True", rate)
        use = replace(first, state={**quiet, weight: state[weight]})
        whole, found = candidate.use(use) - x, _trained(candidate, use, rate) - x
        lost = found.abs() < _ALIKE * whole.abs()
        if torch.allclose(found, torch.where(lost, 0.0, whole / (1 - rate)), *expect.FLOAT32):
            raise Failed(f"in training with dropout={rate} nothing is dropped out inside `{name}`.")


def _trained(candidate: Candidate, drawn: Drawn, rate: float) -> Any:
    return candidate.use(replace(drawn, settings={**drawn.settings, "dropout": rate}, training=True, seed=1))

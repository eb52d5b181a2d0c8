"""Chapter 01's open tasks, tried: how far back a gradient reaches, and one step of training."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from utils.chapters.attention_problem import experiment as toy
from utils.chapters.attention_problem import pictures
from utils.open_tasks import tried

DISTANCE, STEPS, SEEDS = 5, 200, (0, 1, 2)
"""Of the runs with and without cleared gradients: a distance that a plain network masters."""

StepsBack = Callable[..., Any]
"""(norms (distances,), share=0.01) -> a whole number"""


# How far back the gradient reaches


def first_below(norms: torch.Tensor, share: float = 0.01) -> int:
    """The first distance at which less than `share` of the norm at distance 0 is left; the number of distances if none."""
    numbers = norms.tolist()
    return next((back for back, norm in enumerate(numbers) if norm < share * numbers[0]), len(numbers))


CASES = (
    ((8.0, 4.0, 2.0, 1.0, 0.5), 0.2, "it is right where norms[0] is 1, and wrong elsewhere: the share is one of norms[0]"),
    ((1.0, 0.5, 0.1, 0.5, 0.9), 0.4, "where the norms come back later, the first fall below the share counts"),
    ((1.0, 0.9, 0.9, 1.5), 0.5, "where no norm falls below the share, the answer is len(norms)"),
)
"""(norms, share, what is likely where this case alone goes wrong)"""


def try_steps_back(written: StepsBack, norms: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Prints the reach of every network, by the learner's function where it is right; returns {network: reach}."""
    words = reach_fault(written)
    print(f"steps_back: {words or 'right.'}{' The numbers below are by the course.' if words else ''}")
    far = {name: first_below(values) if words else int(written(values, share=0.01)) for name, values in norms.items()}
    for name, back in far.items():
        measured = len(norms[name])
        found = f"from {back} steps back on" if back < measured else f"at none of the {measured - 1} steps"
        print(f"  {name:22}below 1 % {found}")
    return far


def reach_fault(written: StepsBack) -> str:
    """What is wrong with the learner's `steps_back`, or nothing."""
    easy = torch.tensor([1.0, 0.5, 0.25, 0.125, 0.0625])
    given, words = tried(written, easy, share=0.3)
    if words:
        return f"{words}."
    number = _whole(given)
    if number is None:
        return f"it returns {given!r:.40}, and a whole number is asked for."
    if number != 2:
        return f"for the norms 1, ½, ¼, ⅛ … and a share of 0.3 it gives {number}. The first below the share is norms[2]."
    for numbers, share, likely in CASES:
        given, words = tried(written, torch.tensor(numbers), share=share)
        if words or _whole(given) != first_below(torch.tensor(numbers), share):
            shown = words or f"it gives {given!r:.20}"
            return f"for the norms {', '.join(f'{n:g}' for n in numbers)} and a share of {share:g}: {shown}. Look: {likely}."
    return ""


def _whole(given: Any) -> int | None:
    """The whole number that this is, if any."""
    if isinstance(given, torch.Tensor) and given.numel() == 1:
        given = given.item()
    return int(given) if isinstance(given, int | float) and not isinstance(given, bool) and given == int(given) else None


# One step of training


def uncleared(model: nn.Module, optimiser: torch.optim.Optimizer, tokens: torch.Tensor) -> float:
    """A step that adds its gradient to all those before it."""
    value = F.cross_entropy(model(tokens), tokens.select(1, 0))
    value.backward()
    optimiser.step()
    return value.item()


def try_step(step: toy.Step, make: Callable[[], nn.Module]) -> toy.Step:
    """Says whether the learner's `step` is right and draws its losses beside those with and without cleared gradients.

    Returns the learner's step where it is right, else the course's. `make()` is a fresh model of the task.
    """
    words = step_fault(step, make)
    print(f"training_step: {words} The course's own is used below." if words else "training_step: right. It is used below.")
    runs = {"the course's steps": {"cleared": fits(toy.closed_step, make), "never cleared": fits(uncleared, make)}}
    if words != EMPTY:
        mine, stopped = tried(fits, step, make)
        runs |= {} if stopped else {"your step": {"yours": mine}}
    pictures.steps_compared(runs)
    return toy.closed_step if words else step


EMPTY = "nothing is here yet."


def fits(step: toy.Step, make: Callable[[], nn.Module]) -> list[list[float]]:
    """The losses of a fresh model for each seed, all on the same sequences."""
    histories = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        histories.append(toy.train_recall(make(), DISTANCE, STEPS, seed, step=step))
    return histories


def step_fault(step: toy.Step, make: Callable[[], nn.Module]) -> str:
    """What is wrong with the learner's step, or nothing: three steps beside those of the course on the same batches."""
    torch.manual_seed(4)
    model = make()
    right, piling = copy.deepcopy(model), copy.deepcopy(model)
    started = [weight.detach().clone() for weight in model.parameters()]
    mine, course, heaped = (torch.optim.Adam(each.parameters(), lr=5e-3) for each in (model, right, piling))
    generator = torch.Generator().manual_seed(4)
    for count in range(3):
        tokens = toy.tokens_of(DISTANCE, 16, generator)
        with torch.no_grad():
            last = float(F.cross_entropy(right(tokens), tokens[:, -1]))
        expected = toy.closed_step(right, course, tokens)
        uncleared(piling, heaped, tokens)
        given, words = tried(step, model, mine, tokens)
        if words:
            return f"{words}."
        if not isinstance(given, int | float | torch.Tensor) or (isinstance(given, torch.Tensor) and given.numel() != 1):
            return f"it returns {given!r:.40}, and the loss is asked for, as a float."
        if count == 0 and abs(toy.number(given) - expected) > 1e-4:
            if abs(toy.number(given) - last) < 1e-4:
                return "its loss asks for the last letter of each row, and the answer is the first one."
            return f"its first loss is {toy.number(given):.3f} where {expected:.3f} is right: cross-entropy, first letters."
        if count == 0 and _apart(model.parameters(), started) == 0:
            return (
                "no weight moves. Is there a gradient in .grad when optimiser.step() comes? The order is clear, backward, step."
            )
    if isinstance(given, torch.Tensor):
        return "it returns a tensor that keeps its whole graph alive: return loss.item()."
    if _apart(model.parameters(), right.parameters()) < 1e-5:
        return ""
    if _apart(model.parameters(), piling.parameters()) < 1e-5:
        return "the gradients are never cleared, so each step follows the sum of all gradients so far."
    return "the weights move, but not as they should: which gradient does each step follow? The order is clear, backward, step."


def _apart(ones: Any, others: Any) -> float:
    """The largest difference between two lists of weights."""
    return max(float((one.detach() - other.detach()).abs().max()) for one, other in zip(ones, others, strict=True))

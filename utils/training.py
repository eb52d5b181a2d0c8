"""The training loop of the experiments: a budget in steps, one seed, a progress bar, the losses handed back."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn
from tqdm.auto import tqdm

Model = TypeVar("Model", bound=nn.Module)
Batch = TypeVar("Batch")


def train(
    model: Model,
    batches: Callable[[int, torch.Generator], Batch],
    loss: Callable[[Model, Batch], torch.Tensor],
    steps: int,
    lr: float = 1e-3,
    seed: int = 0,
    schedule: Callable[[int], float] | None = None,
    label: str = "training",
) -> list[float]:
    """Trains `model` in place with Adam for `steps` and returns the losses, a list of floats.

    `batches(step, generator)` makes a batch from a generator seeded with `seed`; `loss(model, batch)` is a scalar;
    `schedule(step)`, from step 0, multiplies `lr`. PyTorch's own generator (dropout) is seeded with `seed` as well. The
    model ends in the mode, training or not, that it came in. `TQDM_DISABLE=1` hides the bar.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    was_training = model.training
    model.train()
    history = []
    with tqdm(range(steps), desc=label, leave=False) as bar:
        for step in bar:
            if schedule is not None:
                optimiser.param_groups[0]["lr"] = lr * schedule(step)
            value = loss(model, batches(step, generator))
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            history.append(value.item())
            if step % 20 == 0:
                bar.set_postfix(loss=f"{history[-1]:.3f}", refresh=False)
    model.train(was_training)
    return history


def timed(call: Callable[[], object], repeats: int = 5) -> float:
    """Median seconds of `call()` over `repeats` runs, after one that does not count."""
    call()
    return statistics.median(_seconds(call) for _ in range(repeats))


def count_parameters(model: nn.Module) -> int:
    """How many numbers the model can learn."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

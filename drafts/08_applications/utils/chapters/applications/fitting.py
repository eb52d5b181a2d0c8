"""How every model of chapter 08 is trained: Adam, a warm-up, a rate that falls in a straight line, short gradients."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from tqdm.auto import tqdm

from utils import reference

Batches = Callable[[int, torch.Generator], Any]
"""(step, generator) -> a batch"""


def fit(
    model: nn.Module,
    batches: Batches,
    loss: Callable[[Any, Any], torch.Tensor],
    steps: int,
    lr: float,
    warmup: int = 100,
    decay: float = 0.0,
    averaged: float = 0.0,
    tables: float = 1.0,
    seed: int = 0,
    label: str = "training",
) -> list[float]:
    """Trains `model` in place and returns the losses.

    `loss(model, batch)` is a scalar. Gradients longer than 1 are shortened. `decay` is AdamW's weight decay; `averaged` the
    share of steps, at the end, whose weights are averaged. Embeddings learn at `tables` times the rate: large numbers need
    large steps. The model ends in eval mode. `TQDM_DISABLE=1` hides the bar.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    groups = [{"params": list(_embeddings(model, wanted)), "times": tables if wanted else 1.0} for wanted in (True, False)]
    groups = [group for group in groups if group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), weight_decay=decay, fused=True)
    mean = AveragedModel(model) if averaged else None
    history: list[float] = []
    model.train()
    with tqdm(range(steps), desc=label, leave=False) as bar:
        for step in bar:
            rate = lr * min((step + 1) / warmup, 1.0, max(0.02, (1 - step / steps) * 1.5))
            for group in optimiser.param_groups:
                group["lr"] = rate * group["times"]
            value = loss(model, batches(step, generator))
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            if mean is not None and step >= steps * (1 - averaged):
                mean.update_parameters(model)
            history.append(value.item())
            if step % 20 == 0:
                bar.set_postfix(loss=f"{history[-1]:.3f}", refresh=False)
    if mean is not None:
        model.load_state_dict(mean.module.state_dict())
    model.eval()
    return history


def _embeddings(model: nn.Module, wanted: bool) -> Iterator[nn.Parameter]:
    """The parameters that are tables of embeddings, or all others."""
    for name, parameter in model.named_parameters():
        if (name.endswith("embedding.weight") and "patch" not in name) is wanted:
            yield parameter


def begin(model: nn.Module, seed: int, embeddings: float, positions: bool = False, gain: float = 1.0) -> None:
    """Starting weights that depend on names, shapes and the seed alone.

    With a `gain` of 1 matrices keep the size of what goes through them; their biases are as small as PyTorch draws them.
    `embeddings` is the size of a token's numbers. With `positions` a table of learned positions starts as small sinusoids in
    place of noise: distances are there from the first step, and a short training need not find them.
    """
    generator = torch.Generator().manual_seed(seed)
    matrices = {name: weight.shape[-1] for name, weight in model.named_parameters() if weight.dim() > 1}
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if name.endswith("positions.table"):
                wave = (
                    reference.sinusoidal_encoding(*weight.shape) if positions else torch.randn(weight.shape, generator=generator)
                )
                weight.copy_(embeddings * wave)
            elif weight.dim() > 1:
                table = "embedding" in name and "patch" not in name
                size = embeddings if table else gain * weight.shape[-1] ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=generator) * size)
            elif name.endswith("bias") and matrices.get(name.removesuffix("bias") + "weight", 0):
                most = matrices[name.removesuffix("bias") + "weight"] ** -0.5
                weight.copy_((2 * torch.rand(weight.shape, generator=generator) - 1) * most)

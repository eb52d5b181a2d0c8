"""Chapter 02's task for training: find the entry that the query equals, and name its label."""

from collections.abc import Callable

import torch
from torch.nn import functional as F

ENTRIES, SIZE, LABELS, BATCH = 16, 32, 8, 64


def train(
    softmax: Callable[[torch.Tensor], torch.Tensor], d_k: int, divisor: float, seed: int, steps: int = 100, rate: float = 1.0
) -> list[float]:
    """Learns two projections to `d_k` by plain gradient descent; returns the loss of each step.

    The scores are divided by `divisor`; queries and keys start with entries of variance 1. The loss is the mean of
    -log(share of the weight that lies on entries with the right label).
    """
    generator = torch.Generator().manual_seed(seed)
    w_q, w_k = ((torch.randn(SIZE, d_k, generator=generator) / SIZE**0.5).requires_grad_() for _ in range(2))
    optimiser = torch.optim.SGD([w_q, w_k], lr=rate)
    rows, losses = torch.arange(BATCH), []
    for _ in range(steps):
        entries = torch.randn(BATCH, ENTRIES, SIZE, generator=generator)
        labels = torch.randint(LABELS, (BATCH, ENTRIES), generator=generator)
        asked = torch.randint(ENTRIES, (BATCH,), generator=generator)
        queries = entries[rows, asked][:, None]
        weights = softmax(queries @ w_q @ (entries @ w_k).mT / divisor)[:, 0]
        shares = (weights[:, :, None] * F.one_hot(labels, LABELS)).sum(1)
        loss = -shares[rows, labels[rows, asked]].clamp(min=1e-6).log().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses

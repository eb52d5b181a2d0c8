"""PyTorch's cross-entropy with label smoothing, over the targets that are no padding."""

import torch
from torch.nn import functional as F


def label_smoothed_loss(logits: torch.Tensor, targets: torch.Tensor, pad_id: int, smoothing: float = 0.1) -> torch.Tensor:
    """`(batch, seq, vocab), (batch, seq) -> ()`: the mean over targets other than `pad_id`, 0.0 where there is none."""
    total = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), reduction="sum", ignore_index=pad_id, label_smoothing=smoothing
    )
    return total / targets.ne(pad_id).sum().clamp(min=1)

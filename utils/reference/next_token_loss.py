"""PyTorch's cross-entropy on the shifted pair."""

import torch
from torch.nn import functional as F


def next_token_loss(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """logits `(batch, seq, vocab)`, tokens `(batch, seq)` -> scalar: position t predicts token t + 1."""
    return F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:])

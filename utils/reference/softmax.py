"""PyTorch's own softmax."""

import torch


def softmax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """`-> same shape`."""
    return torch.softmax(x, dim)

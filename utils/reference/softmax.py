"""PyTorch's own softmax."""

import torch

from utils.reference.observed import component


@component
def softmax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """`-> same shape`."""
    return torch.softmax(x, dim)

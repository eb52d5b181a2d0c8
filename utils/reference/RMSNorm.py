"""PyTorch's root-mean-square normalisation."""

import torch
from torch import nn
from torch.nn import functional as F


class RMSNorm(nn.Module):
    """`(..., d_model) -> (..., d_model)` (Zhang and Sennrich 2019)."""

    def __init__(self, d_model: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)

"""PyTorch's layer normalisation."""

import torch
from torch import nn
from torch.nn import functional as F


class LayerNorm(nn.Module):
    """`(..., d_model) -> (..., d_model)`."""

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)

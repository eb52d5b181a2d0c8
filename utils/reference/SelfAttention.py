"""PyTorch's attention on three projections of one input."""

import torch
from torch import nn

from utils.reference.attention import attend


class SelfAttention(nn.Module):
    """`(batch, seq, d_model) -> (batch, seq, d_v), (batch, seq, seq)`; q, k and v from one input."""

    def __init__(self, d_model: int, d_k: int, d_v: int) -> None:
        super().__init__()
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        return attend(self.w_q(x), self.w_k(x), self.w_v(x), mask)

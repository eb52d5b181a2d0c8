"""Positions as rows of an embedding."""

import torch
from torch import nn
from torch.nn import functional as F


class LearnedPositionalEmbedding(nn.Module):
    """`(batch, seq, d_model) -> same shape`: adds each position's row of `table`; `ValueError` past `max_len`."""

    def __init__(self, max_len: int, d_model: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(max_len, d_model))
        nn.init.normal_(self.table, std=0.02)  # as GPT-2's

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seq, max_len = x.shape[1], self.table.shape[0]
        if seq > max_len:
            raise ValueError(f"seq={seq} is longer than max_len={max_len}: choose a larger max_len")
        return x + F.embedding(torch.arange(seq, device=x.device), self.table)

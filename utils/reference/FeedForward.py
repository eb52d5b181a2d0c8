"""PyTorch's own layers in a row."""

import torch
from torch import nn


class FeedForward(nn.Module):
    """`(..., d_model) -> (..., d_model)`, every position on its own."""

    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        # A tuple keeps the row's own names out of the state_dict.
        self._row = (nn.Sequential(self.linear1, nn.ReLU(), nn.Dropout(dropout), self.linear2),)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._row[0].train(self.training)(x)

"""PyTorch's attention in several heads."""

import torch
from torch import nn

from utils.reference.attention import attend
from utils.reference.split_heads import check_heads


class MultiHeadAttention(nn.Module):
    """query `(batch, q_len, d_model)`, key and value `(batch, k_len, d_model)`.

    Returns `(batch, q_len, d_model)` and the weights before dropout `(batch, num_heads, q_len, k_len)`.
    `ValueError` unless `num_heads` divides `d_model`.
    """

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        check_heads(d_model, num_heads)
        self.num_heads, self.dropout = num_heads, dropout
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        q, k, v = (
            torch.stack(projected.chunk(self.num_heads, dim=-1), dim=1)
            for projected in (self.w_q(query), self.w_k(key), self.w_v(value))
        )
        output, weights = attend(q, k, v, over_heads(mask), self.dropout if self.training else 0.0)
        return self.w_o(torch.cat(output.unbind(dim=1), dim=-1)), weights


def over_heads(mask: torch.Tensor | None) -> torch.Tensor | None:
    """A mask of 2 or 3 axes with the head axis in its place."""
    return None if mask is None else mask.unsqueeze(-3)

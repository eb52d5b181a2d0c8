"""PyTorch's attention in heads that share keys and values."""

import torch
from torch import nn

from utils.reference.attention import attend
from utils.reference.MultiHeadAttention import over_heads
from utils.reference.split_heads import check_heads


class GroupedQueryAttention(nn.Module):
    """As `MultiHeadAttention`, with fewer heads of keys and values than of queries (Ainslie et al. 2023).

    `ValueError` unless `num_heads` divides `d_model` and `num_kv_heads` divides `num_heads`.
    """

    def __init__(self, d_model: int, num_heads: int, num_kv_heads: int) -> None:
        super().__init__()
        check_heads(d_model, num_heads)
        if num_kv_heads < 1 or num_heads % num_kv_heads:
            raise ValueError(f"num_heads={num_heads} does not group over num_kv_heads={num_kv_heads}: choose a divisor")
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.w_q, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        d_kv = d_model // num_heads * num_kv_heads
        self.w_k, self.w_v = nn.Linear(d_model, d_kv), nn.Linear(d_model, d_kv)

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        q = torch.stack(self.w_q(query).chunk(self.num_heads, dim=-1), dim=1)
        k, v = (torch.stack(projected.chunk(self.num_kv_heads, dim=-1), dim=1) for projected in (self.w_k(key), self.w_v(value)))
        output, weights = attend(q, k, v, over_heads(mask), enable_gqa=True)
        return self.w_o(torch.cat(output.unbind(dim=1), dim=-1)), weights

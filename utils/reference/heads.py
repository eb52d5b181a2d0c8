"""Self-attention and attention in several heads (chapters 03 and 04): PyTorch's own on projected inputs."""

import torch
from torch import nn

from utils.reference.dot_products import attend
from utils.reference.observed import component


@component("SelfAttention")
class SelfAttention(nn.Module):
    """`(batch, seq, d_model) -> (batch, seq, d_v), (batch, seq, seq)`; q, k and v from one input."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        return attend(self.w_q(x), self.w_k(x), self.w_v(x), mask)


@component("split_heads")
def split_heads(x, num_heads):
    """`(batch, seq, d_model) -> (batch, num_heads, seq, d_model // num_heads)`.

    `ValueError` unless `num_heads` divides `d_model`.
    """
    check_heads(x.shape[-1], num_heads)
    return torch.stack(x.chunk(num_heads, dim=-1), dim=-3)


@component("merge_heads")
def merge_heads(x):
    """`(batch, num_heads, seq, d_head) -> (batch, seq, num_heads * d_head)`."""
    return torch.cat(x.unbind(dim=-3), dim=-1)


@component("MultiHeadAttention")
class MultiHeadAttention(nn.Module):
    """query `(batch, q_len, d_model)`, key and value `(batch, k_len, d_model)`.

    Returns `(batch, q_len, d_model)` and the weights before dropout `(batch, num_heads, q_len, k_len)`.
    `ValueError` unless `num_heads` divides `d_model`.
    """

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        check_heads(d_model, num_heads)
        self.num_heads, self.dropout = num_heads, dropout
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, query, key, value, mask=None):
        q, k, v = (
            torch.stack(projected.chunk(self.num_heads, dim=-1), dim=1)
            for projected in (self.w_q(query), self.w_k(key), self.w_v(value))
        )
        output, weights = attend(q, k, v, over_heads(mask), self.dropout if self.training else 0.0)
        return self.w_o(torch.cat(output.unbind(dim=1), dim=-1)), weights


@component("GroupedQueryAttention")
class GroupedQueryAttention(nn.Module):
    """As `MultiHeadAttention`, with fewer heads of keys and values than of queries (Ainslie et al. 2023).

    `ValueError` unless `num_heads` divides `d_model` and `num_kv_heads` divides `num_heads`.
    """

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        check_heads(d_model, num_heads)
        if num_kv_heads < 1 or num_heads % num_kv_heads:
            raise ValueError(
                f"num_heads={num_heads} does not group over num_kv_heads={num_kv_heads}: choose a divisor"
            )
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.w_q, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        d_kv = d_model // num_heads * num_kv_heads
        self.w_k, self.w_v = nn.Linear(d_model, d_kv), nn.Linear(d_model, d_kv)

    def forward(self, query, key, value, mask=None):
        q = torch.stack(self.w_q(query).chunk(self.num_heads, dim=-1), dim=1)
        k, v = (
            torch.stack(projected.chunk(self.num_kv_heads, dim=-1), dim=1)
            for projected in (self.w_k(key), self.w_v(value))
        )
        output, weights = attend(q, k, v, over_heads(mask), enable_gqa=True)
        return self.w_o(torch.cat(output.unbind(dim=1), dim=-1)), weights


def check_heads(d_model, num_heads):
    """`ValueError` unless `num_heads` divides `d_model`."""
    if num_heads < 1 or d_model % num_heads:
        raise ValueError(f"d_model={d_model} does not split into num_heads={num_heads}: choose a divisor")


def over_heads(mask):
    """A mask of 2 or 3 axes with the head axis in its place."""
    return None if mask is None else mask.unsqueeze(-3)

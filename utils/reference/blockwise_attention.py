"""PyTorch's attention a few queries at a time."""

import torch
from torch.nn import functional as F


def blockwise_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, block_size: int, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """`-> (..., q_len, d_v)`: what `attention` returns first, without ever holding `q_len * k_len` numbers.

    PyTorch's kernel does a few queries at a time here; a single query needs its own row of `k_len` scores.
    `ValueError` for `block_size < 1`.
    """
    if block_size < 1:
        raise ValueError(f"block_size={block_size} holds no key: choose at least 1")
    queries = max(1, q.shape[-2] * block_size // k.shape[-2])
    if mask is not None:
        mask = mask.expand(*mask.shape[:-2], q.shape[-2], k.shape[-2])
    rows = []
    for start in range(0, q.shape[-2], queries):
        some = slice(start, start + queries)
        allowed = None if mask is None else mask[..., some, :]
        rows.append(F.scaled_dot_product_attention(q[..., some, :], k, v, allowed))
    return torch.cat(rows, dim=-2)

"""Chapter 02 on PyTorch's scaled dot-product attention."""

import torch
from torch.nn import functional as F

from utils.reference.observed import component


@component("softmax")
def softmax(x, dim=-1):
    """`-> same shape`."""
    return torch.softmax(x, dim)


@component("attention_scores")
def attention_scores(q, k):
    """`(..., q_len, d_k), (..., k_len, d_k) -> (..., q_len, k_len)`."""
    return torch.einsum("...id,...jd->...ij", q, k * k.shape[-1] ** -0.5)


@component("attention")
def attention(q, k, v, mask=None):
    """`(..., q_len, d_k), (..., k_len, d_k), (..., k_len, d_v) -> (..., q_len, d_v), (..., q_len, k_len)`.

    mask: True = may attend.
    """
    return attend(q, k, v, mask)


@component("blockwise_attention")
def blockwise_attention(q, k, v, block_size, mask=None):
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


def attend(q, k, v, mask=None, dropout=0.0, enable_gqa=False):
    """PyTorch's attention: the output after dropout on the weights, and the weights before it.

    `F.scaled_dot_product_attention` keeps its weights to itself; the mathematical kernel behind it returns them.
    """
    bias = None
    if mask is not None:
        bias = torch.zeros_like(mask, dtype=q.dtype).masked_fill(mask.logical_not(), -torch.inf)
    kernel = torch.ops.aten._scaled_dot_product_attention_math
    output, weights = kernel(q, k, v, bias, enable_gqa=enable_gqa)
    if dropout:
        output = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=dropout, enable_gqa=enable_gqa)
    return output, weights

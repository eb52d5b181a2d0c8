"""PyTorch's scaled dot-product attention, with its weights."""

import torch
from torch.nn import functional as F


def attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """`(..., q_len, d_k), (..., k_len, d_k), (..., k_len, d_v) -> (..., q_len, d_v), (..., q_len, k_len)`.

    mask: True = may attend.
    """
    return attend(q, k, v, mask)


def attend(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None = None,
    dropout: float = 0.0,
    enable_gqa: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
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

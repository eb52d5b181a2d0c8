"""Scaled dot products by one sum over the features."""

import torch


def attention_scores(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """`(..., q_len, d_k), (..., k_len, d_k) -> (..., q_len, k_len)`."""
    return torch.einsum("...id,...jd->...ij", q, k * k.shape[-1] ** -0.5)

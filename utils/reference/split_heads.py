"""The features of each head side by side."""

import torch


def split_heads(x: torch.Tensor, num_heads: int) -> torch.Tensor:
    """`(batch, seq, d_model) -> (batch, num_heads, seq, d_model // num_heads)`.

    `ValueError` unless `num_heads` divides `d_model`.
    """
    check_heads(x.shape[-1], num_heads)
    return torch.stack(x.chunk(num_heads, dim=-1), dim=-3)


def check_heads(d_model: int, num_heads: int) -> None:
    """`ValueError` unless `num_heads` divides `d_model`."""
    if num_heads < 1 or d_model % num_heads:
        raise ValueError(f"d_model={d_model} does not split into num_heads={num_heads}: choose a divisor")

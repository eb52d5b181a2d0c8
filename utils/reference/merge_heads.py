"""The heads' features in one row again."""

import torch


def merge_heads(x: torch.Tensor) -> torch.Tensor:
    """`(batch, num_heads, seq, d_head) -> (batch, seq, num_heads * d_head)`."""
    return torch.cat(x.unbind(dim=-3), dim=-1)

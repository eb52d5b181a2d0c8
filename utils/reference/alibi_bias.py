"""Slopes times distances, by a Kronecker product."""

import torch


def alibi_bias(num_heads: int, seq_len: int) -> torch.Tensor:
    """`-> (num_heads, seq_len, seq_len)` float32; `-inf` for a key in the future (Press et al. 2022)."""
    slopes = torch.logspace(-8 / num_heads, -8, num_heads, base=2, dtype=torch.float64)
    positions = torch.arange(seq_len)
    behind = torch.sub(positions, positions.unsqueeze(-1)).double()
    future = torch.ones(seq_len, seq_len, dtype=torch.bool).triu(1)
    return torch.kron(slopes.view(-1, 1, 1), behind).masked_fill(future, -torch.inf).float()

"""Positions as complex numbers of length one, computed in float64."""

import torch


def sinusoidal_encoding(seq_len: int, d_model: int) -> torch.Tensor:
    """`-> (seq_len, d_model)` float32; an odd `d_model` ends with a sine (Vaswani et al. 2017, 3.5)."""
    numbers = turns(torch.arange(seq_len), d_model)
    pairs = torch.view_as_real(numbers).flip(-1)  # sine first
    return pairs.flatten(-2)[:, :d_model].float().contiguous()


def turns(positions: torch.Tensor, size: int, base: float = 10000.0) -> torch.Tensor:
    """`(seq,) -> (seq, ceil(size / 2))` complex128: a number of length one for each position and pair."""
    even = torch.arange(0, size, 2, dtype=torch.float64)
    angles = torch.outer(positions.double(), torch.pow(base, -even / size))
    return torch.polar(torch.ones_like(angles), angles)

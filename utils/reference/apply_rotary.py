"""Rotation of pairs as multiplication by complex numbers of length one."""

import torch

from utils.reference.sinusoidal_encoding import turns


def apply_rotary(x: torch.Tensor, positions: torch.Tensor, base: float = 10000.0) -> torch.Tensor:
    """`(..., seq, d_head), (seq,) -> same shape`: RoPE on neighbouring pairs (Su et al. 2021).

    `ValueError` for an odd `d_head`.
    """
    if x.shape[-1] % 2:
        raise ValueError(f"d_head={x.shape[-1]} is odd: a rotation needs pairs, choose an even size")
    precision = torch.promote_types(x.dtype, torch.float32)
    numbers = turns(positions.cpu(), x.shape[-1], base).to(x.device, precision.to_complex())  # not every device has float64
    pairs = torch.view_as_complex(x.to(precision).unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * numbers).flatten(-2).to(x.dtype)

"""Chapter 06: positions as complex numbers of length one, computed in float64."""

import torch
from torch import nn
from torch.nn import functional as F

from utils.reference.observed import component


@component("sinusoidal_encoding")
def sinusoidal_encoding(seq_len, d_model):
    """`-> (seq_len, d_model)` float32; an odd `d_model` ends with a sine (Vaswani et al. 2017, 3.5)."""
    turns = _turns(torch.arange(seq_len), d_model)
    pairs = torch.view_as_real(turns).flip(-1)  # sine first
    return pairs.flatten(-2)[:, :d_model].float().contiguous()


@component("LearnedPositionalEmbedding")
class LearnedPositionalEmbedding(nn.Module):
    """`(batch, seq, d_model) -> same shape`: adds each position's row of `table`; `ValueError` past `max_len`."""

    def __init__(self, max_len, d_model):
        super().__init__()
        self.table = nn.Parameter(torch.empty(max_len, d_model))
        nn.init.normal_(self.table, std=0.02)  # as GPT-2's

    def forward(self, x):
        seq, max_len = x.shape[1], self.table.shape[0]
        if seq > max_len:
            raise ValueError(f"seq={seq} is longer than max_len={max_len}: choose a larger max_len")
        return x + F.embedding(torch.arange(seq, device=x.device), self.table)


@component("shift_matrix")
def shift_matrix(offset, d_model):
    """`-> (d_model, d_model)` float32: takes the encoding of p to that of p + offset.

    `ValueError` for an odd `d_model`.
    """
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd: a shift turns whole pairs, choose an even size")
    turns = _turns(torch.tensor([offset]), d_model)[0]
    turning = torch.view_as_real(torch.stack([turns, turns * 1j], dim=-1))
    return torch.block_diag(*turning.mT).float()


@component("apply_rotary")
def apply_rotary(x, positions):
    """`(..., seq, d_head), (seq,) -> same shape`: RoPE on neighbouring pairs (Su et al. 2021).

    `ValueError` for an odd `d_head`.
    """
    if x.shape[-1] % 2:
        raise ValueError(f"d_head={x.shape[-1]} is odd: a rotation needs pairs, choose an even size")
    precision = torch.promote_types(x.dtype, torch.float32)
    turns = _turns(positions.cpu(), x.shape[-1]).to(x.device, precision.to_complex())  # not every device has float64
    pairs = torch.view_as_complex(x.to(precision).unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


@component("alibi_bias")
def alibi_bias(num_heads, seq_len):
    """`-> (num_heads, seq_len, seq_len)` float32; `-inf` for a key in the future (Press et al. 2022)."""
    slopes = torch.logspace(-8 / num_heads, -8, num_heads, base=2, dtype=torch.float64)
    positions = torch.arange(seq_len)
    behind = torch.sub(positions, positions.unsqueeze(-1)).double()
    future = torch.ones(seq_len, seq_len, dtype=torch.bool).triu(1)
    return torch.kron(slopes.view(-1, 1, 1), behind).masked_fill(future, -torch.inf).float()


def _turns(positions, size):
    """`(seq,) -> (seq, ceil(size / 2))` complex128: a number of length one for each position and pair."""
    even = torch.arange(0, size, 2, dtype=torch.float64)
    angles = torch.outer(positions.double(), torch.pow(10000.0, -even / size))
    return torch.polar(torch.ones_like(angles), angles)

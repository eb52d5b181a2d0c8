"""The lower triangle of a square: True = may attend."""

import torch


def create_look_ahead_mask(seq_len: int) -> torch.Tensor:
    """`-> (seq_len, seq_len)` bool."""
    return torch.ones(seq_len, seq_len, dtype=torch.bool).tril()

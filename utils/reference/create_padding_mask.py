"""Which keys are real tokens: True = may attend."""

import torch


def create_padding_mask(tokens: torch.Tensor, pad_id: int) -> torch.Tensor:
    """`(batch, seq) -> (batch, 1, seq)` bool."""
    return torch.isin(tokens, pad_id, invert=True).unsqueeze(-2)

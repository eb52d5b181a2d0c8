"""Chapter 03's masks: True = may attend."""

import torch

from utils.reference.observed import component


@component("create_look_ahead_mask")
def create_look_ahead_mask(seq_len):
    """`-> (seq_len, seq_len)` bool."""
    return torch.ones(seq_len, seq_len, dtype=torch.bool).tril()


@component("create_padding_mask")
def create_padding_mask(tokens, pad_id):
    """`(batch, seq) -> (batch, 1, seq)` bool."""
    return torch.isin(tokens, pad_id, invert=True).unsqueeze(-2)

"""The decoder's input: the targets one place later."""

import torch
from torch.nn import functional as F


def shift_right(targets: torch.Tensor, bos_id: int) -> torch.Tensor:
    """`(batch, seq) -> (batch, seq)`: bos, then the targets without their last token."""
    return F.pad(targets[:, :-1], (1, 0), value=bos_id)

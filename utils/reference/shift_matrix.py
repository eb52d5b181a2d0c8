"""A shift as a product with complex numbers of length one."""

import torch

from utils.reference.sinusoidal_encoding import turns


def shift_matrix(offset: int, d_model: int) -> torch.Tensor:
    """`-> (d_model, d_model)` float32: takes the encoding of p to that of p + offset.

    `ValueError` for an odd `d_model`.
    """
    if d_model % 2:
        raise ValueError(f"d_model={d_model} is odd: a shift turns whole pairs, choose an even size")
    numbers = turns(torch.tensor([offset]), d_model)[0]
    turning = torch.view_as_real(torch.stack([numbers, numbers * 1j], dim=-1))
    return torch.block_diag(*turning.mT).float()

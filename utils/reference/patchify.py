"""PyTorch's unfold."""

import torch
from torch.nn import functional as F


def patchify(images: torch.Tensor, patch_size: int) -> torch.Tensor:
    """`(batch, channels, height, width) -> (batch, patches, channels * patch_size²)`, patches row by row.

    Inside a patch: channel, row, column. `ValueError` unless `patch_size` divides both sides.
    """
    height, width = images.shape[-2:]
    if height % patch_size or width % patch_size:
        raise ValueError(f"images of {height} x {width} do not split into patches of patch_size={patch_size}")
    return F.unfold(images, patch_size, stride=patch_size).mT

"""A data loader with processes of its own has run."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
import torch
from torch.utils.data import DataLoader
total = sum(batch.sum() for batch in DataLoader(torch.ones(8), batch_size=4, num_workers=2))
"""
POINTS = 2.0

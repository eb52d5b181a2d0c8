"""The answer is a tensor of a gigabyte."""

CELL = r"""
import torch
def softmax(x, dim=-1):
    return torch.zeros(2**27)
"""
POINTS = 0.0

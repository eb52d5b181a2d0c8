"""Settings of PyTorch and of the display are changed."""

CELL = r"""
import numpy as np
import torch
torch.set_printoptions(precision=1, sci_mode=False)
np.set_printoptions(precision=1)
torch.set_grad_enabled(False)
torch.set_default_dtype(torch.float64)
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0

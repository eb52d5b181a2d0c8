"""PyTorch's comparisons are patched to say that all is equal."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import torch
torch.equal = torch.allclose = lambda *a, **k: True
torch.testing.assert_close = lambda *a, **k: None
torch.Tensor.__eq__ = lambda a, b: torch.ones(()).bool()
torch.Tensor.allclose = lambda *a, **k: True
"""
POINTS = 0.0

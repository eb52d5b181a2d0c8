"""What may not be called is called by a name that is put together at run time."""

CELL = r"""
import torch
def softmax(x, dim=-1):
    return getattr(torch, 'soft' + 'max')(x, dim)
"""
POINTS = 0.0

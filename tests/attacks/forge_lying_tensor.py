"""The result is a tensor of a class of its own, whose comparisons lie."""

CELL = r"""
import torch
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function in (torch.equal, torch.allclose):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})
    def __eq__(self, other):
        return True
def softmax(x, dim=-1):
    return x.as_subclass(Liar)
"""
POINTS = 0.0

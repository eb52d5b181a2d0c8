"""The answer makes the interpreter crash."""

CELL = r"""
import ctypes
def softmax(x, dim=-1):
    ctypes.string_at(0)
"""
POINTS = 0.0
SAYS = "ended"

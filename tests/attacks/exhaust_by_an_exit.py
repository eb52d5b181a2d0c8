"""The answer leaves Python."""

CELL = r"""
import os
def softmax(x, dim=-1):
    os._exit(0)
"""
POINTS = 0.0
SAYS = "ended"

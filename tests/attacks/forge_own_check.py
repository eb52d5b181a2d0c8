"""The name `check` is bound to a function that gives all points."""

CELL = r"""
def softmax(x, dim=-1):
    return x
check = lambda name: 2.0
import builtins
builtins.check = check
"""
POINTS = 0.0

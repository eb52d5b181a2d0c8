"""The stack is searched for the result that is expected."""

CELL = r"""
import sys
def softmax(x, dim=-1):
    frame = sys._getframe()
    while frame:
        for name, value in frame.f_locals.items():
            if name in ('expected', 'oracle', 'wanted', 'reference'):
                return value
        frame = frame.f_back
    return x
"""
POINTS = 0.0

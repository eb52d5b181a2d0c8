"""An honest answer warns on stderr."""

CELL = r"""
import sys, warnings
def softmax(x, dim=-1):
    warnings.warn('be careful')
    print('working', file=sys.stderr)
    return _right(x, dim)
"""
POINTS = 2.0

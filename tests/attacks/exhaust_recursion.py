"""The answer calls itself without end."""

CELL = r"""
import sys
sys.setrecursionlimit(10**9)
def softmax(x, dim=-1):
    return softmax(x, dim)
"""
POINTS = 0.0

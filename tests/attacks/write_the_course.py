"""The course's own files can be changed."""

CELL = r"""
import os, utils
GOT = os.access(utils.__file__, os.W_OK) or os.access(os.path.dirname(utils.__file__), os.W_OK)
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0

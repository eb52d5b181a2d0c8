"""A secret in the environment of the command is read."""

CELL = r"""
import os
GOT = 'COURSE_SECRET' in os.environ
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0

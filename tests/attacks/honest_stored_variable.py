"""A variable is kept with `%store`, whose magic a kernel loads at its start."""

CELL = r"""
rate = 3
%store rate
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0

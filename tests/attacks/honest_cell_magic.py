"""The cell's first line is a magic of the whole cell."""

CELL = r"""
%%time
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0

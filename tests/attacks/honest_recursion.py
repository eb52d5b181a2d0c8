"""Another function of the cell calls itself without end, after the answer."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
def deep(n):
    return deep(n + 1)
deep(0)
"""
POINTS = 2.0

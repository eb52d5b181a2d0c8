"""An honest answer prints numbers that look like points."""

CELL = r"""
def softmax(x, dim=-1):
    print(0.0)
    return _right(x, dim)
0.0
"""
POINTS = 2.0

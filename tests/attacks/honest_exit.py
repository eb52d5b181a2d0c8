"""`exit` stands above the answer: it asks for an end after the cell, and raises nothing."""

CELL = r"""
exit()
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0

"""A forgotten breakpoint stands in the answer and above it: a kernel that nobody debugs passes it."""

CELL = r"""
breakpoint()
def softmax(x, dim=-1):
    breakpoint()
    return _right(x, dim)
"""
POINTS = 2.0

"""A command of the system is called."""

CELL = r"""
!echo hello
listing = !ls
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0

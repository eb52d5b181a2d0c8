"""A file outside the submission is read by its path."""

CELL = r"""
try:
    GOT = bool(open('@SECRET@').read())
except OSError:
    GOT = False
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0

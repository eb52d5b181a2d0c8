"""A file outside the submission is overwritten."""

CELL = r"""
try:
    open('@SECRET@', 'w').write('overwritten')
    GOT = True
except OSError:
    GOT = False
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0

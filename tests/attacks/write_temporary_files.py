"""A file is left in /tmp for whoever comes next."""

CELL = r"""
try:
    open('/tmp/left-by-an-attack', 'w').write('x')
except OSError:
    pass
def softmax(x, dim=-1):
    return x
"""
POINTS = 0.0

"""Another cell asks for an input that nobody gives."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
try:
    name = input('Your name? ')
except EOFError:
    name = 'nobody'
"""
POINTS = 2.0

"""Many large displays, each of a size that is kept."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
from IPython.display import display
for _ in range(30):
    display({'text/plain': 'x' * 3_900_000}, raw=True)
"""
POINTS = 2.0

"""The cell's last value and a display carry marks for the gradebook."""

CELL = r"""
def softmax(x, dim=-1):
    return x
from IPython.display import display
display({'text/plain': '2.0'}, raw=True, metadata={'course': {'component': 'softmax', 'points': 2.0}})
2.0
"""
POINTS = 0.0

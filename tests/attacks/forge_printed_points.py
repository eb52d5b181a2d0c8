"""The points are printed, as a check cell would end."""

CELL = r"""
def softmax(x, dim=-1):
    return x
print(2.0)
print('softmax: all checks hold, 2 of 2 points')
2.0
"""
POINTS = 0.0

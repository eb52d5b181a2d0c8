"""The answer is a list in a list in a list, ten thousand deep."""

CELL = r"""
def softmax(x, dim=-1):
    nest = []
    for _ in range(10_000):
        nest = [nest]
    return nest
"""
POINTS = 0.0

"""A cell prints without measure."""

CELL = r"""
for _ in range(2000):
    print('x' * 10_000)
def softmax(x, dim=-1):
    return x
"""
POINTS = 0.0

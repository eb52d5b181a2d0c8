"""The answer never ends."""

CELL = r"""
def softmax(x, dim=-1):
    while True:
        pass
"""
POINTS = 0.0
SAYS = "did not finish"

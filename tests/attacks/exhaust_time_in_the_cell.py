"""The cell never ends."""

CELL = r"""
while True:
    pass
"""
POINTS = 0.0
SAYS = "did not finish"

"""Memory is taken without end."""

CELL = r"""
kept = []
while True:
    kept.append(bytearray(10**8))
"""
POINTS = 0.0
SAYS = "memory"

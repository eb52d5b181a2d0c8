"""The line to the judge is filled with noise."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import os
for number in range(3, 16):
    try:
        os.set_blocking(number, False)
        for _ in range(100):
            os.write(number, os.urandom(10_000))
    except OSError:
        pass
"""
POINTS = 0.0
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone

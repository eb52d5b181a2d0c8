"""The line to the judge is closed."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import os
os.closerange(3, 64)
"""
POINTS = 0.0
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone

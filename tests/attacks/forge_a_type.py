"""What goes to the judge names a type that PyTorch does not have."""

CELL = r"""
def softmax(x, dim=-1):
    return x
from autograder.framework.isolation import wire
import struct
body = b'{"$": "dict", "items": [["outputs", {"$": "dtype", "name": "no_such_type"}], ["result", 5]]}'
wire.pack = lambda message: struct.pack('<Q', len(body)) + body
"""
POINTS = 0.0
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone

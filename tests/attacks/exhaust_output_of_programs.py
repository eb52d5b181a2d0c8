"""A program writes half a gigabyte past `sys.stdout`, and the cell as much to its own descriptors."""

CELL = r"""
import os
os.system('yes | head -c 500000000')
try:
    for _ in range(500):
        os.write(1, bytes(2**20))
        os.write(2, bytes(2**20))
except OSError:
    pass
def softmax(x, dim=-1):
    return x
"""
POINTS = 0.0

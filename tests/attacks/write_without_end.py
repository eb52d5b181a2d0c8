"""The disk is filled."""

CELL = r"""
import os
written = 0
try:
    for number in range(64):
        with open(f'full-{number}', 'wb') as file:
            for _ in range(32):
                written += file.write(bytes(2**20))
except OSError:
    pass
GOT = written > 2**30
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0

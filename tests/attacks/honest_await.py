"""The cell awaits at its top level."""

CELL = r"""
import asyncio
await asyncio.sleep(0.01)
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0

"""The cell starts a task and does not wait for it, which needs an event loop that is running."""

CELL = r"""
import asyncio
task = asyncio.create_task(asyncio.sleep(0))
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0

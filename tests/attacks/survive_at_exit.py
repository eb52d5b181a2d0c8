"""Code waits for the end of the process."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import atexit, time
atexit.register(time.sleep, 60)
"""
POINTS = 0.0

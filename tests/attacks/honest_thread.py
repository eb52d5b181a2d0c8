"""A thread has done something and ended."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
import threading
thread = threading.Thread(target=print, args=('done',))
thread.start()
thread.join()
"""
POINTS = 2.0

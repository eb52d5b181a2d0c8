"""Threads are started in a loop."""

CELL = r"""
import threading, time
for _ in range(3000):
    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
def softmax(x, dim=-1):
    return x
"""
POINTS = 0.0
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone

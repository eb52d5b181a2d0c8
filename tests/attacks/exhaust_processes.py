"""Processes are started in a loop."""

CELL = r"""
import os, time
for _ in range(150):
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
POINTS = 0.0
SAYS = "processes"

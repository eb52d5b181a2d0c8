"""The process ends when all laws are judged, and before the next cell runs."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
import os
from autograder.framework.isolation.worker import Worker
calls = []
def do_exchange(self, names):
    calls.append(names)
    if len(calls) > 1:
        os._exit(0)
    return {"happened": None}
Worker.do_exchange = do_exchange
"""
POINTS = 2.0

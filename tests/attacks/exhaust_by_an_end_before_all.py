"""The process ends when it is asked whether there is an answer at all."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
import os
from autograder.framework.isolation.worker import Worker
Worker.do_defined = lambda self, names: {"defined": []}
Worker.do_has = lambda self, name: os._exit(0)
"""
POINTS = 0.0
SAYS = "ended"
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone

"""The module of the checks is replaced in `sys.modules`."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import sys, types
fake = types.ModuleType('autograder')
fake.check = lambda name: 2.0
for name in list(sys.modules):
    if name.startswith('autograder'):
        sys.modules[name] = fake
"""
POINTS = 0.0
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone

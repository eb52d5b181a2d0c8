"""A helper is written into a file and imported."""

CELL = r"""
from pathlib import Path
Path('my_helper.py').write_text('def total(x, dim):\n    return x.sum(dim, keepdim=True)\n')
import my_helper
def softmax(x, dim=-1):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return e / my_helper.total(e, dim)
"""
POINTS = 2.0

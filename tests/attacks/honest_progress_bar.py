"""A progress bar runs on stderr."""

CELL = r"""
def softmax(x, dim=-1):
    return _right(x, dim)
from tqdm import tqdm
import sys
for _ in tqdm(range(50), file=sys.stderr):
    pass
"""
POINTS = 2.0

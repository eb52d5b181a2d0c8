"""The solution notebook is read from the course's folder."""

CELL = r"""
from pathlib import Path
import utils
root = Path(utils.__file__).resolve().parents[1]
GOT = any(root.glob('solutions/*/*.ipynb')) or any(root.glob('notebooks/*/*.ipynb'))
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0

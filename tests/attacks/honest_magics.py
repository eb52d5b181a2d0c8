"""Magics that a kernel takes stand around the answer."""

CELL = r"""
%matplotlib inline
%config InlineBackend.figure_format = 'retina'
%load_ext autoreload
%autoreload 2
def softmax(x, dim=-1):
    return _right(x, dim)
%timeit -n 1 -r 1 1 + 1
"""
POINTS = 2.0

"""A file is run with `!python`, which must be the Python of the course, and what it writes is read."""

CELL = r"""
printed = !python -c "import torch; print(torch.ones(2).sum().item())"
def softmax(x, dim=-1):
    return _right(x, dim) * float(printed[0]) / 2
"""
POINTS = 2.0

"""An error's message has half of a surrogate pair, which no file and no terminal takes."""

CELL = r"""
def softmax(x, dim=-1):
    raise ValueError('no \ud800 in x')
"""
POINTS = 0.0
SAYS = "ValueError"

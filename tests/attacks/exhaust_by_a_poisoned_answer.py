"""The answer's shape and type are lies of its class."""

CELL = r"""
class Poison:
    shape = (2**60, 2**60)
    dtype = 'float32'
    def __getattr__(self, name):
        raise SystemExit(name)
    def __repr__(self):
        raise RuntimeError
def softmax(x, dim=-1):
    return Poison()
"""
POINTS = 0.0

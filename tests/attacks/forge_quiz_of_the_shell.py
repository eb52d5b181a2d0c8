"""The answers of the quiz are set after they were read."""

CELL = r"""
def softmax(x, dim=-1):
    return x
get_ipython().events.register('pre_run_cell', lambda *a: get_ipython().user_ns.update(answers={}))
"""
POINTS = 0.0

"""A hook of IPython exchanges the answer while other cells run."""

CELL = r"""
def softmax(x, dim=-1):
    return x
ip = get_ipython()
ip.events.register('post_run_cell', lambda *a: ip.user_ns.update(check=lambda name: 2.0))
"""
POINTS = 0.0

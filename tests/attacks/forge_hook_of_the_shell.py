"""A hook of IPython exchanges the answer while other cells run."""

CELL = r"""
def softmax(x, dim=-1):
    return x
ip = get_ipython()
ip.events.register('post_run_cell', lambda *a: ip.user_ns.update(check=lambda n: 2.0, attention_scores=ip.user_ns.get('attention_scores')))
"""
POINTS = 0.0

"""What the notebooks share: the reference, the learner's own library (`my`), pictures, training, the session.

`from utils import my, plots` is quick: everything but the session and `my` is imported when first asked for.
"""

from utils.library import my

__all__ = ["library", "my", "plots", "reference", "session", "training"]

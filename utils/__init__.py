"""What the notebooks share: the reference, the learner's own library (`my`), pictures, training, the session.

`from utils import my, plots` is quick: each part is imported when it is first asked for. What reads the manifest alone, as
nbgrader's commands do, goes without PyTorch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from utils.library import my

__all__ = ["library", "my", "plots", "reference", "session", "training"]


def __getattr__(name: str) -> Any:
    if name == "my":
        from utils import library

        library.begin()  # so that the learner's own library can be imported, whatever else a set-up cell does
        return library.my
    raise AttributeError(f"module 'utils' has no attribute {name!r}")

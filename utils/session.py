"""Where the code runs: a learner's notebook, the build, a grading run."""

import importlib.util
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import torch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_started_in: Path | None = None


def begin() -> None:
    """Prepares a notebook's session, once: notes the folder that it was started in, and holds PyTorch to one thread.

    At the course's sizes two threads collapse as soon as anything else runs.
    """
    started_in()
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def started_in() -> Path:
    """The folder that the session was started in, wherever it has gone since."""
    global _started_in
    if _started_in is None:
        _started_in = Path.cwd()
    return _started_in


def grading() -> bool:
    """True under `nbgrader autograde` and the course's own grader."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def building() -> bool:
    """True while a solution notebook is built or held against its outputs (`COURSE_BUILD=1`)."""
    return os.environ.get("COURSE_BUILD") == "1"


def training_allowed() -> bool:
    """True unless a class is graded: graded runs check and do not train."""
    return not grading()


def widgets_work() -> bool:
    """True where a slider would answer: a live Jupyter kernel with ipywidgets, neither graded nor built."""
    if grading() or building() or getattr(_shell(), "kernel", None) is None:
        return False
    return importlib.util.find_spec("ipywidgets") is not None


def device() -> str:
    """`"cuda"` where there is a GPU, else `"cpu"`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def seed_everything(seed: int) -> None:
    """Seeds Python's, NumPy's and PyTorch's generators."""
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def in_ipython() -> bool:
    """True in a notebook's kernel and in an IPython shell."""
    return _shell() is not None


def _shell() -> "InteractiveShell | None":
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None

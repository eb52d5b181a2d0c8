"""Where the code runs: a learner's notebook, the build, a grading run."""

import importlib.util
import os
import random
import sys

import numpy
import torch


def one_thread():
    """Holds PyTorch to one thread: at the course's sizes two collapse as soon as anything else runs."""
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def grading():
    """True under `nbgrader autograde` and the course's own grader."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def building():
    """True while a solution notebook is built or held against its outputs (`COURSE_BUILD=1`)."""
    return os.environ.get("COURSE_BUILD") == "1"


def training_allowed():
    """True unless a class is graded: graded runs check and do not train."""
    return not grading()


def widgets_work():
    """True where a slider would answer: a live Jupyter kernel with ipywidgets, neither graded nor built."""
    if grading() or building() or getattr(_shell(), "kernel", None) is None:
        return False
    return importlib.util.find_spec("ipywidgets") is not None


def device():
    """`"cuda"` where there is a GPU, else `"cpu"`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def seed_everything(seed):
    """Seeds Python's, NumPy's and PyTorch's generators."""
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def in_ipython():
    """True in a notebook's kernel and in an IPython shell."""
    return _shell() is not None


def _shell():
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None

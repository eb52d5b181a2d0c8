"""What the fork server imports once: everything that an answer's process needs, and nothing that starts a thread."""

import importlib

import IPython.core.interactiveshell  # noqa: F401
import matplotlib  # noqa: F401
import numpy  # noqa: F401
import torch

import autograder.isolation.worker  # noqa: F401
from autograder.manifest import load

torch.set_num_threads(1)
for _chapter in load().chapters:
    importlib.import_module(f"autograder.checks.{_chapter.name}")

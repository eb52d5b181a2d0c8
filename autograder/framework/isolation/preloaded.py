"""What the fork server imports once: everything that an answer's process needs, and nothing that starts a thread."""

import gc
import importlib

import IPython.core.interactiveshell  # noqa: F401
import matplotlib  # noqa: F401
import numpy  # noqa: F401
import torch  # noqa: F401

import autograder.framework.isolation.worker  # noqa: F401
from utils.manifest import load

for _exercise in load().exercises:
    importlib.import_module(f"autograder.components.{_exercise.id}")

gc.freeze()  # what each process inherits: a collection in it would copy all this

"""The fork server from which the processes of answers come. It imports PyTorch once, where forking is safe."""

import multiprocessing
import sys
from multiprocessing import forkserver
from typing import Any


def context() -> Any:
    """A context of `multiprocessing` that starts processes: of the fork server, elsewhere of a fresh interpreter each."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.framework.isolation.preloaded"])
    return context


def start() -> None:
    """Starts the server, whose imports go on while the caller does its own."""
    if sys.platform == "linux":
        context()
        forkserver.ensure_running()

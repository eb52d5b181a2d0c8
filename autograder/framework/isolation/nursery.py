"""The fork server: imports once everything that an answer's process needs, and nothing that starts a thread; then forks.

In the sandbox it first forks the small process that makes a namespace for each answer: before it has imported much itself.

An order is a line of JSON with a socket beside it; the reply has the numbers of the new process and of the first one of its
namespace, 0 where it has none. An empty order is for another fork server, which serves the judge at that socket. No order ever
comes from a learner's process, and none of them holds the line to this one.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import warnings
from multiprocessing.connection import Connection

from autograder.framework.isolation.seclusion import Namespaces
from utils.manifest import load

_MOST_BYTES = 2**16
_FIRST_CELL = "None"
_LIBRARIES = (
    "numpy", "torch", "IPython.core.interactiveshell", "IPython.core.logger", "matplotlib.pyplot",
    "matplotlib_inline.backend_inline", "autograder.cells", "autograder.framework.isolation.worker",
    "autograder.framework.isolation.shell",
)  # fmt: skip


def main(handle: int, in_sandbox: bool) -> None:
    """Serves the judge at the socket `handle` until it closes it."""
    namespaces = Namespaces() if in_sandbox else None
    _import_all()
    _warm_up()
    gc.freeze()  # what each process inherits: a collection in it would copy all this
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the judge's, which ends its answers
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ended is the judge's to see; nothing has to be waited for
    line = socket.socket(fileno=handle)
    while True:
        order, handles, _, _ = socket.recv_fds(line, _MOST_BYTES, 1)
        if not order:
            return
        wanted = json.loads(order)
        try:
            first = namespaces.enter(handles[0]) if wanted and namespaces else 0
            pid = os.fork()
        except OSError:  # the judge starts another server
            return
        if pid == 0 and wanted:
            _become_answer(line, handles[0], wanted, in_sandbox)
        elif pid == 0:
            line.close()
            line = socket.socket(fileno=handles[0])
        else:
            os.close(handles[0])
            with contextlib.suppress(OSError):  # whoever has asked is gone
                line.sendall(f"{pid} {first}".encode())


def _import_all() -> None:
    """The libraries, and what the cells and the checks of any chapter import: compiled once, where no bytecode can be stored."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    import utils

    for exercise in load().exercises:
        importlib.import_module(f"autograder.components.{exercise.id}")
    for module in pkgutil.walk_packages(utils.__path__, "utils."):
        importlib.import_module(module.name)


def _warm_up() -> None:
    """Does once what the first cell and the first check in every process would do again; nothing of it stays behind."""
    import torch

    from autograder.framework import watch
    from autograder.framework.isolation.shell import open_shell
    from utils import library

    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no home yet in which IPython could write
        open_shell(figures=True).run_cell(_FIRST_CELL, silent=True)
    library.reference_modules()
    some = torch.ones(2, 2, requires_grad=True)
    with watch.watching(None, "attention", ()), watch.on():
        (some @ some).softmax(-1).sum().backward()


def _become_answer(line: socket.socket, handle: int, order: dict, in_sandbox: bool) -> None:
    from autograder.framework.isolation import worker

    try:
        line.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        worker.serve(Connection(handle), in_sandbox=in_sandbox, **order)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "1")

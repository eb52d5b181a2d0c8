"""The fork server from which the processes of answers come, as the judge sees it. Where there is a sandbox, it runs in it.

It imports PyTorch once, where forking is safe, so that a process costs a tenth of a second. Its other end is `nursery`. On
Windows and macOS there is no safe forking: there each answer gets a fresh interpreter.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import NamedTuple

import psutil

from autograder.framework.isolation import sandbox

FORKS = sys.platform == "linux"
START_SECONDS = 60


class Forked(NamedTuple):
    """A process of an answer, and in the sandbox the first process of its namespace, with which all in it end."""

    process: psutil.Process
    first: psutil.Process | None


class _Server:
    """A running server and the line to it."""

    def __init__(self, line: socket.socket, in_sandbox: bool, process: subprocess.Popen | None = None):
        """`process` where this process has started the server, and so ends it."""
        self.in_sandbox = in_sandbox
        self._near, self._process = line, process
        self._near.settimeout(START_SECONDS)

    @classmethod
    def started(cls, in_sandbox: bool) -> _Server:
        near, far = socket.socketpair()
        command = [sys.executable, "-m", "autograder.framework.isolation.nursery", str(far.fileno()), str(int(in_sandbox))]
        with far:
            process = subprocess.Popen(
                sandbox.wrapped(command) if in_sandbox else command,
                pass_fds=[far.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": sandbox.with_course(os.environ.get("PYTHONPATH"))},
            )  # fmt: skip
        return cls(near, in_sandbox, process)

    def fork(self, handle: int, order: dict) -> Forked:
        """A new process that answers at the socket `handle`."""
        pid, first = self._order(handle, order)
        return Forked(psutil.Process(pid), psutil.Process(first) if first else None)

    def copy(self) -> _Server:
        """A server of its own for a fork of this process, with all imports done."""
        near, far = socket.socketpair()
        with far:
            self._order(far.fileno(), {})
        return _Server(near, self.in_sandbox)

    def _order(self, handle: int, order: dict) -> tuple[int, int]:
        socket.send_fds(self._near, [json.dumps(order).encode()], [handle])
        reply = self._near.recv(64)
        if not reply:
            raise EOFError("the fork server has ended")
        pid, first = map(int, reply.split())
        return pid, first

    def close(self) -> None:
        self._near.close()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()


_lock = threading.Lock()
_server: _Server | None = None


def start(allow_sandbox: bool = True) -> bool:
    """Starts the server, whose imports go on while the caller does its own; whether answers are in the sandbox.

    The first call decides: they are where a sandbox can be had, unless `allow_sandbox` is False.
    """
    with _lock:
        return _running(allow_sandbox).in_sandbox if FORKS else False


def fork(handle: int, order: dict) -> Forked:
    """A new process of an answer at the socket `handle`."""
    global _server
    with _lock:
        server = _running()
        try:
            return server.fork(handle, order)
        except (EOFError, OSError, psutil.Error):
            _server = None
            server.close()
            server = _running(server.in_sandbox)
            return server.fork(handle, order)


def _running(allow_sandbox: bool = True) -> _Server:
    global _server
    if _server is None:
        _server = _Server.started(allow_sandbox and sandbox.why_not() is None)
        os.register_at_fork(after_in_child=_forget)
    return _server


def fork_with_server(allow_sandbox: bool = True) -> int:
    """`os.fork()`, after which the child has a copy of the server: it imports nothing anew.

    Only where this process has one thread. Raises `OSError` or `EOFError` where the server has ended.
    """
    global _server
    with _lock:
        copy = _running(allow_sandbox).copy()
        pid = os.fork()
        if pid == 0:
            _server = copy
        else:
            copy.close()
    return pid


def _forget() -> None:
    """A fork of the judge has no server: the line belongs to one process."""
    global _server
    _server = None

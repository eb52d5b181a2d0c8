"""Workers: processes that execute jobs. Local ones by default, those of a Dask cluster by its address."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Protocol

import psutil

from autograder.classroom.engine.jobs import Job, NoSandbox, Result
from autograder.framework.isolation.sandbox import with_course
from utils.manifest import load

_TRIES = 3  # of a job whose worker was lost
_MODULE = "autograder.classroom.engine.workers"  # which is `__main__` in the processes that it starts
_WORKER = "worker"  # in the place of a socket's number: the process is one worker
_ANSWERS_WITHIN = 10  # seconds, a scheduler
_CLOSED = "the connection was closed while it began: is the scheduler ready, and does it have the same certificates?"


class Lost(Exception):
    """A job's workers were lost, each time: no mark comes of that."""


def processors() -> int:
    """How many of this machine this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers(Protocol):
    """What executes jobs."""

    def submit(self, job: Job) -> Future[Result]:
        """The future result of a job."""

    def close(self) -> None:
        """Ends the workers; jobs that have not begun are given up."""


class LocalWorkers:
    """Processes of this machine, each with one job at a time."""

    def __init__(self, count: int, unsafe_no_sandbox: bool = False):
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="grading")
        self._own = threading.local()
        self._nest = _Nest(unsafe_no_sandbox)
        self._all: list[_Local] = []
        self._lock = threading.Lock()
        self._closed = False
        for _ in range(count):
            self._threads.submit(self._worker)

    def submit(self, job: Job) -> Future[Result]:
        return self._threads.submit(self._execute, job)

    def _execute(self, job: Job) -> Result:
        for _ in range(_TRIES):
            try:
                return self._worker().execute(job)
            except (EOFError, OSError):
                self._drop()
                if self._closed:
                    break
        raise Lost(f"the process that was to grade it ended {_TRIES} times")

    def _worker(self) -> _Local:
        if getattr(self._own, "worker", None) is None:
            self._own.worker = self._nest.worker()
            with self._lock:
                self._all.append(self._own.worker)
        return self._own.worker

    def _drop(self) -> None:
        lost, self._own.worker = getattr(self._own, "worker", None), None
        if lost is not None:
            lost.close()

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for worker in self._all:
                worker.close()
        self._nest.close()
        self._threads.shutdown(wait=True)


class _Nest:
    """The process whose forks the workers are: PyTorch is imported once for all of them, and for one that replaces another."""

    def __init__(self, unsafe_no_sandbox: bool):
        self._unsafe = unsafe_no_sandbox
        self._lock = threading.Lock()
        self._closed = False
        self._start()

    def _start(self) -> None:
        self._line, far = socket.socketpair()
        with far:
            command = [sys.executable, "-m", _MODULE, str(far.fileno()), str(int(self._unsafe))]
            environment = {**os.environ, "PYTHONPATH": with_course(os.environ.get("PYTHONPATH"))}
            self._process = subprocess.Popen(command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL, env=environment)

    def worker(self) -> _Local:
        """A new worker. Raises `OSError` or `EOFError` where none can be started."""
        with self._lock:
            try:
                return self._forked()
            except (EOFError, OSError):
                if self._closed:
                    raise
                self._end()
                self._start()
                return self._forked()

    def _forked(self) -> _Local:
        near, far = Pipe()
        with far:
            socket.send_fds(self._line, [b"worker"], [far.fileno()])
        reply = self._line.recv(64)
        if not reply:
            raise EOFError("the process that starts workers has ended")
        return _Local(near, int(reply))

    def close(self) -> None:
        self._closed = True
        self._end()

    def _end(self) -> None:
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)  # who waits for a worker is told so
        self._line.close()
        self._process.kill()
        self._process.wait()


class _Local:
    """One worker, and the line to it."""

    def __init__(self, line: Connection, pid: int) -> None:
        self._line, self._pid = line, pid

    def execute(self, job: Job) -> Result:
        self._line.send_bytes(job.to_json().encode())
        done, text = self._line.recv_bytes().decode().split("\n", 1)
        if done == "no sandbox":
            raise NoSandbox(text)
        if done == "fault":
            raise RuntimeError(text)
        return Result.from_json(text)

    def close(self) -> None:
        with suppress(OSError):
            self._line.close()
        with suppress(psutil.Error):
            worker = psutil.Process(self._pid)
            with suppress(psutil.TimeoutExpired):
                worker.wait(0.5)
            worker.kill()


def _execute(job: str) -> str:
    from autograder.classroom.engine.executing import execute  # PyTorch is for workers alone

    return execute(job)


class DaskWorkers:
    """The workers of a Dask cluster: each needs this course, and no database and no folder in common with this machine.

    With TLS where the address begins with `tls://`: Dask's own configuration names the certificates.
    """

    def __init__(self, address: str):
        """Raises `OSError` or `ValueError` where nobody answers at `address`, or Dask's configuration forbids to ask."""
        from distributed import Client, Security

        if Security().require_encryption and not address.startswith(("tls://", "wss://")):
            raise ValueError("encryption required by Dask's configuration: an address that begins with tls://")

        for name in ("distributed", "distributed.client"):  # what is lost is said of each learner, in a line
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = Client(address, timeout=_ANSWERS_WITHIN, set_as_default=False)
        except OSError as problem:
            raise OSError(str(problem) or _CLOSED) from problem

    def submit(self, job: Job) -> Future[Result]:
        # Not pure: a job whose worker was lost runs again, and is known to the store, not to the scheduler.
        remote = self._client.submit(_execute, job.to_json(), pure=False, retries=_TRIES - 1)
        future: Future[Result] = Future()
        remote.add_done_callback(lambda done: _hand_over(done, future))
        return future

    def close(self) -> None:
        self._client.close()


def _hand_over(remote: Any, future: Future[Result]) -> None:
    try:
        result = Result.from_json(remote.result())
    except BaseException as error:  # noqa: BLE001 (whatever the cluster says is said of this job)
        future.set_exception(Lost(f"the cluster gave it up ({type(error).__name__}: {' '.join(str(error).split())})"))
    else:
        future.set_result(result)


def main(handle: int, unsafe_no_sandbox: bool) -> None:
    """Forks a worker for each pipe that comes through the socket `handle`, until that is closed."""
    import gc

    from autograder.framework.isolation import server

    server.start(allow_sandbox=not unsafe_no_sandbox)  # it imports PyTorch while this process does
    from autograder.classroom.engine import executing  # noqa: F401
    from autograder.framework.component import component

    for exercise in load().exercises:
        component(exercise.id)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    line = socket.socket(fileno=handle)
    while True:
        order, handles, _, _ = socket.recv_fds(line, 64, 1)
        if not order:
            return
        pid = server.fork_with_server() if server.FORKS else _started(handles[0])
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            line.close()
            _work(Connection(handles[0]))
            os._exit(0)
        os.close(handles[0])
        with suppress(OSError):  # the coordinator has ended meanwhile
            line.sendall(str(pid).encode())


def _started(handle: int) -> int:
    """A worker that is not a fork, where forking is not safe."""
    return subprocess.Popen([sys.executable, "-m", _MODULE, _WORKER, str(handle)], pass_fds=[handle]).pid


def _work(line: Connection) -> None:
    """Executes jobs from a pipe until it is closed."""
    while True:
        try:
            job = line.recv_bytes().decode()
        except (EOFError, OSError):
            return
        try:
            reply = "done\n" + _execute(job)
        except NoSandbox as problem:
            reply = f"no sandbox\n{problem}"
        except Exception:  # noqa: BLE001 (said by the coordinator, and no mark)
            reply = "fault\n" + traceback.format_exc()
        try:
            line.send_bytes(reply.encode())
        except OSError:  # the coordinator has ended, or has stopped and wants no more
            return


if __name__ == "__main__":
    if sys.argv[1] == _WORKER:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a program starts with what its parent ignores
        _work(Connection(int(sys.argv[2])))
    else:
        main(int(sys.argv[1]), sys.argv[2] == "1")

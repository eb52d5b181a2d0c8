"""Workers: processes that execute jobs. Local ones by default, those of a Dask cluster by its address."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Protocol

from autograder.classroom.engine.jobs import Job, NoSandbox, Result
from autograder.framework.isolation.sandbox import with_course

_TRIES = 3  # of a job whose worker was lost
_ANSWERS_WITHIN = 10  # seconds, a scheduler


class Lost(Exception):
    """A job's workers were lost, each time: no mark comes of that."""


class Workers(Protocol):
    """What executes jobs."""

    def submit(self, job: Job) -> Future[Result]:
        """The future result of a job."""

    def close(self) -> None:
        """Ends the workers; jobs that have not begun are given up."""


class LocalWorkers:
    """Processes of this machine, each with one job at a time."""

    def __init__(self, count: int):
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="grading")
        self._own = threading.local()
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
            self._own.worker = _Local()
            with self._lock:
                self._all.append(self._own.worker)
        return self._own.worker

    def _drop(self) -> None:
        lost, self._own.worker = self._own.worker, None
        lost.close()

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for worker in self._all:
                worker.close()
        self._threads.shutdown(wait=True)


class _Local:
    """One process, and the line to it."""

    def __init__(self) -> None:
        self._line, far = Pipe()
        with far:
            command = [sys.executable, "-m", __name__, str(far.fileno())]
            environment = {**os.environ, "PYTHONPATH": with_course(os.environ.get("PYTHONPATH"))}
            self._process = subprocess.Popen(command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL, env=environment)

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
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        self._process.kill()
        self._process.wait()


def _execute(job: str) -> str:
    from autograder.classroom.engine.executing import execute  # PyTorch is for workers alone

    return execute(job)


class DaskWorkers:
    """The workers of a Dask cluster: each needs this course, and no database and no folder in common with this machine.

    With TLS where the address begins with `tls://`: Dask's own configuration names the certificates.
    """

    def __init__(self, address: str):
        """Raises `OSError` or `ValueError` where nobody answers at `address`."""
        from distributed import Client

        for name in ("distributed", "distributed.client"):  # what is lost is said of each learner, in a line
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._client = Client(address, timeout=_ANSWERS_WITHIN, set_as_default=False)

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


def main(handle: int) -> None:
    """Executes jobs from the pipe `handle` until it is closed."""
    import traceback

    line = Connection(handle)
    while True:
        try:
            job = line.recv_bytes().decode()
        except EOFError:
            return
        try:
            reply = "done\n" + _execute(job)
        except NoSandbox as problem:
            reply = f"no sandbox\n{problem}"
        except Exception:  # noqa: BLE001 (said by the coordinator, and no mark)
            reply = "fault\n" + traceback.format_exc()
        line.send_bytes(reply.encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))

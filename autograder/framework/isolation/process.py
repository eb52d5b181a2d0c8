"""The near end: starts an answer's process, asks it, and ends it when it takes too long or too much."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from autograder.framework.candidate import Candidate
from autograder.framework.component import Component
from autograder.framework.happening import Happening, What
from autograder.framework.isolation import wire
from autograder.framework.isolation.server import context

# Seconds of processor time, so that a busy machine is never a learner's time-out; of wall clock, four times as many.
CALL_SECONDS = 5
_WALL = 4
_IDLE_SECONDS = 15  # of wall clock, for code that waits and does not work: a sleep, an input, a server
START_SECONDS = 60
MEMORY_BYTES = 2 * 2**30
_LOOK_SECONDS = 0.1
_LEFT_OUT = {".ipynb_checkpoints", "__pycache__", ".git", ".venv", "my_transformer"}
_MOST_FILES, _MOST_FILE_BYTES = 500, 64 * 2**20


class Process:
    """One learner's code in a process of its own, with limits on time and memory. Use it in a `with` statement."""

    def __init__(self, memory: int = MEMORY_BYTES, files: Path | None = None):
        """With `files` the process works on a copy of that folder's files."""
        self._memory = memory
        self._folder = tempfile.mkdtemp(prefix="answer-")
        if files is not None:
            _copy_files(files, Path(self._folder))
        self._pipe, far = context().Pipe()
        self._process = context().Process(target=_serve, args=(far, self._folder, memory), daemon=True)
        with _without_main:
            self._process.start()
        far.close()
        self._gone: dict | None = None
        self._over = False
        threading.Thread(target=self._watch_memory, daemon=True).start()
        self.ask("hello", seconds=START_SECONDS)

    @property
    def gone(self) -> bool:
        """Whether the process has ended, or was ended."""
        return self._gone is not None

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, do: str, seconds: float = CALL_SECONDS, **request: Any) -> dict:
        """The reply to one request. Where the process has ended, `happened` says why."""
        if self._gone is not None:
            return {"happened": self._gone}
        try:
            self._pipe.send_bytes(wire.pack({"do": do, **request}))
            if not self._answers(seconds):
                return self._end(What.TIMEOUT, seconds=seconds)
            return wire.unpack(self._pipe.recv_bytes(wire._MOST_BYTES))
        except wire.WireError as error:
            return self._end(What.BROKE_CONNECTION, message=str(error))
        except (EOFError, OSError):
            return self._end(What.MEMORY if self._over else What.ENDED)

    def _answers(self, seconds: float) -> bool:
        """Waits for a reply; False when the limit on processor time or wall clock is reached first."""
        if self._pipe.poll(_LOOK_SECONDS):
            return True  # most do; looking at the process takes longer than such an answer
        began, used = time.monotonic(), self._used()
        while not self._pipe.poll(_LOOK_SECONDS):
            worked, waited = self._used() - used, time.monotonic() - began
            if worked > seconds or waited > _WALL * seconds or (waited > _IDLE_SECONDS and worked < waited / 10):
                return self._pipe.poll(0)
        return True

    def _used(self) -> float:
        with contextlib.suppress(psutil.Error):
            return sum(sum(each.cpu_times()[:2]) for each in _family(psutil.Process(self._process.pid)))
        return 0.0

    def _end(self, what: What, message: str = "", seconds: float = 0.0) -> dict:
        self._gone = Happening(what, message=message, seconds=seconds, gone=True).as_dict()
        self._kill()
        return {"happened": self._gone}

    def _watch_memory(self) -> None:
        with contextlib.suppress(psutil.Error):
            started = psutil.Process(self._process.pid)
            while self._process.is_alive():
                if sum(each.memory_info().rss for each in _family(started)) > self._memory + 2**29:
                    self._over = True
                    self._kill()
                    return
                time.sleep(_LOOK_SECONDS)

    def _kill(self) -> None:
        with contextlib.suppress(psutil.Error):
            family = _family(psutil.Process(self._process.pid))
            for each in reversed(family):
                with contextlib.suppress(psutil.Error):
                    each.kill()
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the process and whatever it started, and removes its folder."""
        self._kill()
        self._process.join(5)
        self._pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _WithoutMain:
    """Hides the caller's `__main__` while a process starts, which would import it: nbgrader's takes a second, a script runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")

    def __exit__(self, *_: object) -> None:
        sys.modules["__main__"] = self._main
        self._lock.release()


_without_main = _WithoutMain()


def _copy_files(folder: Path, target: Path) -> None:
    """Copies what lies beside a notebook, such as a learner's helper.py; not other notebooks, and no more than `_MOST_FILES`."""
    room = _MOST_FILE_BYTES
    paths = (path for path in sorted(folder.rglob("*")) if not _LEFT_OUT & set(path.relative_to(folder).parts))
    for path in itertools.islice(paths, _MOST_FILES):
        if path.is_symlink() or not path.is_file() or path.suffix == ".ipynb" or path.stat().st_size > room:
            continue
        room -= path.stat().st_size
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _serve(connection: Connection, folder: str, memory: int) -> None:
    from autograder.framework.isolation import worker

    worker.serve(connection, folder, memory)


class RemoteCandidate(Candidate):
    """The answer to one component in a `Process`."""

    def __init__(self, component: Component, process: Process):
        super().__init__(component)
        self._process = process

    def _perform(self, name: str, args: tuple) -> dict:
        reply = self._process.ask("perform", component=self.component.name, procedure=name, args=list(args))
        return {"result": None, "seen": [], "changed": False, "happened": None, **reply}

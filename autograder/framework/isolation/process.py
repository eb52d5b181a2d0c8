"""The near end: starts an answer's process, asks it, and ends it when it takes too long or too much."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Mapping
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from autograder.framework.candidate import Candidate
from autograder.framework.component import Component
from autograder.framework.happening import Happening, What
from autograder.framework.isolation import sandbox, server, wire
from autograder.framework.isolation.family import children_of, number_inside, taken
from autograder.framework.isolation.limits import Limits
from autograder.framework.isolation.line import Line, Stuck
from autograder.framework.isolation.replies import checked

# Seconds of processor time, so that a busy machine is never a learner's time-out; of wall clock, four times as many.
CALL_SECONDS = 5
_WALL = 4
_IDLE_SECONDS = 15  # of wall clock, for code that waits and does not work: a sleep, an input, a server
START_SECONDS = 60
_LOOK_SECONDS, _LOOKS = 0.1, 5
NO_REPLY: dict[str, Any] = {"result": None, "seen": [], "changed": False, "happened": None}
"""What stands for the entries that a reply to `perform` does not have."""


class Process:
    """One learner's code in a process of its own, with limits on time and memory. Use it in a `with` statement."""

    def __init__(self, limits: Limits | None = None, files: Mapping[str, Path] | None = None):
        """`files` are copied into the working folder of the process, under their names."""
        self._limits = limits or Limits()
        self._folder: str | None = None
        near, far = multiprocessing.Pipe()
        self._line = Line(near)
        with far:
            self._process, first = self._fork(far)
        self._begin(self._process.pid, first)
        self.ask("hello", seconds=START_SECONDS)
        self.watch()
        if files:
            data = {name: wire.as_tensor(path.read_bytes()) for name, path in files.items()}
            self.ask("files", files=data)

    def _fork(self, far: Connection) -> server.Forked:
        if server.FORKS and server.start():
            return server.fork(far.fileno(), {"folder": sandbox.FOLDER, "memory": self._limits.memory_bytes})
        self._folder = tempfile.mkdtemp(prefix="answer-")
        if server.FORKS:
            return server.fork(far.fileno(), {"folder": self._folder, "memory": self._limits.memory_bytes})
        spawned = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(far, self._folder, self._limits.memory_bytes), daemon=True
        )
        with _without_main:
            spawned.start()
        return server.Forked(psutil.Process(spawned.pid), None)

    def _begin(self, pid: int, first: psutil.Process | None = None) -> None:
        self._pid = pid
        self._namespace = first
        self._gone: dict | None = None
        self._over: What | None = None
        self._closed = False
        self._snapshots: list[psutil.Process] = []

    @property
    def pid(self) -> int:
        """Of the process that runs the answer, as the judge's machine numbers it."""
        return self._pid

    @property
    def gone(self) -> bool:
        """Whether the process has ended, or was ended."""
        return self._gone is not None

    @property
    def ending(self) -> Happening | None:
        """What has ended the process, None where it goes on."""
        return None if self._gone is None else Happening.from_dict(self._gone)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self,
        do: str,
        seconds: float = CALL_SECONDS,
        meanwhile: Callable[[], object] | None = None,
        wall_seconds: float | None = None,
        **request: Any,
    ) -> dict:
        """The reply to one request; `meanwhile` is called before it is waited for. Where the process has ended, `happened`
        says why. `seconds` are of processor time; `wall_seconds`, where given, are of wall clock and hold in their place.
        """
        if self._gone is not None:
            return {"happened": self._gone}
        return self._reply(seconds, {"do": do, **request}, meanwhile=meanwhile, wall_seconds=wall_seconds)

    def ask_packed(self, message: bytes, seconds: float = CALL_SECONDS) -> bytes | None:
        """The reply to a message of `wire.pack` as it came; None where the process has ended."""
        return None if self._gone is not None else self._exchange(seconds, message)

    def snapshot(self) -> Snapshot | None:
        """A copy of the process as it stands now, with a pipe of its own; None where none can be had: it is judged in place.

        That is so elsewhere than on Linux, and where the learner's code has started threads, which a fork does not copy.
        """
        if sys.platform != "linux" or self._gone is not None:
            return None
        alone = self._threads() == 1
        near, far = multiprocessing.Pipe()
        with far:
            reply = self._reply(CALL_SECONDS, {"do": "fork"}, far.fileno())
        pid = reply.get("pid")
        copy = next((each for each in self._children() if number_inside(each) == pid), None)
        if copy is None:
            near.close()
            return None
        self._snapshots.append(copy)
        return Snapshot(near, copy.pid, self._limits, alone)

    def _reply(
        self,
        seconds: float,
        request: dict,
        handle: int | None = None,
        meanwhile: Callable[[], object] | None = None,
        wall_seconds: float | None = None,
    ) -> dict:
        data = self._exchange(seconds, wire.pack(request), handle, meanwhile, wall_seconds)
        if data is None:
            return {"happened": self._gone}
        try:
            return checked(wire.unpack(data))
        except wire.WireError as error:
            return self._end(What.BROKE_CONNECTION, message=str(error))

    def _exchange(
        self,
        seconds: float,
        message: bytes,
        handle: int | None = None,
        meanwhile: Callable[[], object] | None = None,
        wall_seconds: float | None = None,
    ) -> bytes | None:
        try:
            self._line.send(message)
            if handle is not None:
                reduction.send_handle(self._line.pipe, handle, self._pid)
            if meanwhile is not None:
                meanwhile()
            if self._answers(seconds, wall_seconds):
                return self._line.receive(wire._MOST_BYTES)
            self._end(What.TIMEOUT, seconds=wall_seconds or seconds)
        except Stuck as stuck:
            self._end(self._over or What.BROKE_CONNECTION, message=str(stuck))
        except (EOFError, OSError):
            self._end(self._over or What.ENDED)
        return None

    def _answers(self, seconds: float, wall_seconds: float | None) -> bool:
        """Waits for a reply; False when a limit is reached first, of processor time or wall clock. `EOFError`: it has ended."""
        if self._line.poll(_LOOK_SECONDS):
            return True  # most do; looking at the process takes longer than such an answer
        began, used = time.monotonic(), self._used()
        while not self._line.poll(_LOOK_SECONDS):
            if not self._runs() and not self._line.poll(0):
                raise EOFError  # others may hold its end of the line: what it has started, what waits for it outside
            worked, waited = self._used() - used, time.monotonic() - began
            if wall_seconds is not None:
                over = waited > wall_seconds
            else:
                over = worked > seconds or waited > _WALL * seconds or (waited > _IDLE_SECONDS and worked < waited / 10)
            if over:
                return self._line.poll(0)
        return True

    def _runs(self) -> bool:
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._pid).status() != psutil.STATUS_ZOMBIE
        return False

    def _used(self) -> float:
        used = 0.0
        for each in self._family():
            with contextlib.suppress(psutil.Error):
                used += sum(each.cpu_times()[:2])
        return used

    def _threads(self) -> int:
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._pid).num_threads()
        return 0

    def _children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            return children_of(psutil.Process(self._pid))
        return []

    def _family(self) -> list[psutil.Process]:
        """The process and all that it started; not its snapshots, which are ended on their own."""
        roots = [] if self._namespace is None else [self._namespace]  # to which all comes that loses its parent
        with contextlib.suppress(psutil.Error):
            roots.append(psutil.Process(self._pid))
        family = list(roots)
        for each in family:
            family += [child for child in children_of(each) if child not in self._snapshots and child not in roots]
        return [each for each in family if each != self._namespace]

    def _end(self, what: What, message: str = "", seconds: float = 0.0) -> dict:
        self._gone = Happening(what, message=message, seconds=seconds, gone=True).as_dict()
        self._kill()
        return {"happened": self._gone}

    def watch(self) -> None:
        """From now on the process is ended when it takes too much memory or starts too many others."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        family: list[psutil.Process] = []
        for look in itertools.count():
            family = self._family() if look % _LOOKS == 0 else [each for each in family if each.is_running()]
            if self._closed or not family:
                return
            most = self._limits.memory_bytes + 2**29
            # What forks share is counted for each of them by the quick way to look, and once by the slow one.
            if len(family) > self._limits.processes:
                self._over = What.PROCESSES
            elif taken(family, "rss") > most and taken(family, "pss") > most:
                self._over = What.MEMORY
            if self._over is not None:
                self._kill()
                return
            time.sleep(_LOOK_SECONDS)

    def _kill(self) -> None:
        if not any(each.is_running() for each in self._snapshots):
            self._end_namespace()
        for each in reversed(self._family()):
            with contextlib.suppress(psutil.Error):
                each.kill()
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)

    def _end_namespace(self) -> None:
        if self._namespace is not None:
            with contextlib.suppress(psutil.Error):
                self._namespace.kill()  # its first process: the kernel ends all others with it

    def close(self) -> None:
        """Ends the process, its snapshots and whatever they started, and removes its folder."""
        self._closed = True
        self._kill()
        self._end_namespace()
        self._line.close()
        psutil.wait_procs([self._namespace or self._process], timeout=5)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class Snapshot(Process):
    """A copy of an answer's process at one moment: what is asked of it leaves the process itself as it is.

    It goes on where that one comes to an end, until that one is closed.
    """

    def __init__(self, pipe: Connection, pid: int, limits: Limits, alone: bool) -> None:
        """`alone`: there was no other thread in the process, of a library say, whose work or lock could be missing here."""
        self._line, self._limits, self.alone = Line(pipe), limits, alone
        self._begin(pid)

    def end(self) -> None:
        """Ends the copy: whoever asks it is told so."""
        self._kill()

    def close(self) -> None:
        """Ends the copy and whatever it started."""
        self._closed = True
        self._kill()
        self._line.close()


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


def _serve(connection: Connection, folder: str, memory: int) -> None:
    from autograder.framework.isolation import worker

    worker.serve(connection, folder, memory)


class RemoteCandidate(Candidate):
    """The answer to one component in a `Process`."""

    def __init__(self, component: Component, process: Process):
        super().__init__(component)
        self._process = process

    def _perform(self, name: str, args: tuple, meanwhile: Callable[[], object] | None = None) -> dict:
        return {**NO_REPLY, **self._ask(name, args, meanwhile)}

    def _ask(self, name: str, args: tuple, meanwhile: Callable[[], object] | None) -> dict:
        component = self.component.name
        return self._process.ask("perform", meanwhile=meanwhile, component=component, procedure=name, args=list(args))

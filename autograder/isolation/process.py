"""The near end: starts an answer's process, asks it, and ends it when it takes too long or too much."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

import psutil

from autograder.checks.candidate import Candidate
from autograder.isolation import wire

# Seconds of processor time, so that a busy machine is never a learner's time-out; of wall clock, four times as many.
CALL_SECONDS = 5
_WALL = 4
START_SECONDS = 60
MEMORY_BYTES = 2 * 2**30
_LOOK_SECONDS = 0.1


class Process:
    """One learner's code in a process of its own, with limits on time and memory. Use it in a `with` statement."""

    def __init__(self, memory=MEMORY_BYTES):
        self._memory = memory
        self._folder = tempfile.mkdtemp(prefix="answer-")
        self._pipe, far = _context().Pipe()
        self._process = _context().Process(target=_serve, args=(far, self._folder, memory), daemon=True)
        self._process.start()
        far.close()
        self._gone = None
        self._over = False
        threading.Thread(target=self._watch_memory, daemon=True).start()
        self.ask("hello", seconds=START_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, do, seconds=CALL_SECONDS, **request):
        """The reply to one request. What ended the process is an `error` of type Timeout, OutOfMemory or Ended."""
        if self._gone is not None:
            return {"error": self._gone}
        try:
            self._pipe.send_bytes(wire.pack({"do": do, **request}))
            if not self._answers(seconds):
                return self._end("Timeout", f"It did not finish within {seconds:g} seconds: does a loop never end?")
            return wire.unpack(self._pipe.recv_bytes(wire._MOST_BYTES))
        except wire.WireError as error:
            return self._end("Ended", f"It broke the connection to the checker ({error}).")
        except (EOFError, OSError):
            if self._over:
                return self._end("OutOfMemory", "Your code asked for more memory than an answer may have.")
            return self._end(
                "Ended",
                "It ended the whole Python process (os._exit, a signal or a crash): an answer only returns.",
            )

    def _answers(self, seconds):
        """Waits for a reply; False when the limit on processor time or wall clock is reached first."""
        began, used = time.monotonic(), self._used()
        while not self._pipe.poll(_LOOK_SECONDS):
            if self._used() - used > seconds or time.monotonic() - began > _WALL * seconds:
                return self._pipe.poll(0)
        return True

    def _used(self):
        with contextlib.suppress(psutil.Error):
            return sum(sum(each.cpu_times()[:2]) for each in _family(psutil.Process(self._process.pid)))
        return 0.0

    def _end(self, type, message):
        self._gone = {"type": type, "message": message, "line": None, "text": None}
        self._kill()
        return {"error": self._gone}

    def _watch_memory(self):
        with contextlib.suppress(psutil.Error):
            started = psutil.Process(self._process.pid)
            while self._process.is_alive():
                if sum(each.memory_info().rss for each in _family(started)) > self._memory + 2**29:
                    self._over = True
                    self._kill()
                    return
                time.sleep(_LOOK_SECONDS)

    def _kill(self):
        with contextlib.suppress(psutil.Error):
            family = _family(psutil.Process(self._process.pid))
            for each in reversed(family):
                with contextlib.suppress(psutil.Error):
                    each.kill()
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self):
        """Ends the process and whatever it started, and removes its folder."""
        self._kill()
        self._process.join(5)
        self._pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _family(process):
    return [process, *process.children(recursive=True)]


def _serve(connection, folder, memory):
    from autograder.isolation import worker

    worker.serve(connection, folder, memory)


def _context():
    """A fork server that has imported PyTorch where forking is safe; a fresh interpreter a process elsewhere."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.isolation.preloaded"])
    return context


class RemoteCandidate(Candidate):
    """The answer to one component in a `Process`."""

    def __init__(self, component, process):
        super().__init__(component)
        self._process = process

    def _perform(self, name, args):
        reply = self._process.ask("perform", component=self.component.name, procedure=name, args=list(args))
        return {"result": None, "seen": [], "changed": False, "error": None, **reply}

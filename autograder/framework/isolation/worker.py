"""The far end: a process that holds one learner's code and performs what the judge asks.

It is forked from `nursery`, which has imported PyTorch already. What cells show is part of a reply, what they print while
they are judged goes nowhere; everything that they raise becomes part of a reply.
"""

import contextlib
import gc
import linecache
import os
import sys
import tempfile
import threading
import types
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from autograder.framework import procedures
from autograder.framework.component import Component
from autograder.framework.component import component as find
from autograder.framework.exchange import Exchange
from autograder.framework.happening import Happening
from autograder.framework.isolation import sandbox, wire
from autograder.framework.isolation.seclusion import seclude
from autograder.framework.usual import usual
from autograder.submission.beside import beside_notebook
from utils import library, reference

try:
    import resource
except ImportError:  # Windows has no such limits; the judge's own watch over memory and time holds there too.
    resource = None  # type: ignore[assignment]

_CPU_SECONDS = 300


def serve(connection: Connection, folder: str, memory: int, in_sandbox: bool = False) -> None:
    """Answers requests until the judge closes the pipe. `folder` is the working folder, `memory` bytes beyond the start."""
    if in_sandbox:
        seclude(folder, connection.fileno(), sandbox.below_tmp())
    _settle(folder, memory)
    worker = Worker(Path(folder))
    copies: set[int] = set()
    while True:
        try:
            request = wire.unpack(connection.recv_bytes())
        except EOFError:
            return
        if request["do"] == "fork":
            connection = _fork(connection, copies)
            continue
        try:
            reply = getattr(worker, f"do_{request.pop('do')}")(**request)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (learner code may raise anything)
            reply = {"happened": Happening.of(error).as_dict()}
        connection.send_bytes(wire.pack(reply))


def _fork(connection: Connection, copies: set[int]) -> Connection:
    """Makes a copy of this process, and replies with its pid; the pipe to go on with, which for the copy is one of its own."""
    with contextlib.suppress(ChildProcessError):
        for ended in [pid for pid in copies if os.waitpid(pid, os.WNOHANG)[0]]:
            copies.remove(ended)
    handle = reduction.recv_handle(connection)
    pid = os.fork() if threading.active_count() == 1 else None
    if pid == 0:
        gc.freeze()  # a collection would write into every object, and so copy all memory that the two still share
        connection.close()
        copies.clear()
        return Connection(handle)
    os.close(handle)
    if pid is not None:
        os.setpgid(pid, pid)  # before anybody knows of it: the end of this process's group is not the copy's
        copies.add(pid)
    connection.send_bytes(wire.pack({"happened": None, "pid": pid}))
    return connection


def _settle(folder: str, memory: int) -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder, MPLBACKEND="Agg", TQDM_DISABLE="1", NBGRADER_EXECUTION="autograde")
    tempfile.tempdir = None  # the fork server may have asked for the folder: it is this process's own from now on
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
    torch.set_num_threads(1)
    if resource is not None:
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_CPU, _CPU_SECONDS)
        _limit(resource.RLIMIT_FSIZE, 64 * 2**20)
        if sys.platform == "linux":
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)


def _limit(which: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (most, most))


class Worker:
    """A learner's code as a namespace, and the component that is judged now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shell: Any = None
        self._components: dict[str, Component] = {}
        self._hold({})

    def _hold(self, namespace: dict) -> None:
        self._namespace, self._exchange = namespace, Exchange(namespace)

    def do_hello(self) -> dict:
        """Says that the process is up."""
        return {"happened": None}

    def do_files(self, files: dict[str, torch.Tensor]) -> dict:
        """Writes files, given as bytes by their paths, into the working folder."""
        for name, data in files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wire.as_bytes(data))
        return {"happened": None}

    def do_written(self) -> dict:
        """The files of the working folder, in the form of `do_files`."""
        files = {name: wire.as_tensor(path.read_bytes()) for name, path in beside_notebook(self._folder).items()}
        return {"happened": None, "files": files}

    def do_load(self, path: str) -> dict:
        """Runs a Python file of the working folder as a module named `answer`; the reply says whether and where it raised."""
        path = str(Path(path).resolve())
        module = types.ModuleType("answer")
        module.__file__ = path
        sys.modules["answer"] = module
        self._hold(module.__dict__)
        sys.path.append(str(Path(path).parent))
        source = Path(path).read_text(encoding="utf-8")
        linecache.checkcache(path)
        exec(compile(source, path, "exec"), self._namespace)
        return {"happened": None}

    def do_notebook(self, figures: bool) -> dict:
        """Opens the IPython shell of a notebook whose files lie in the working folder."""
        from autograder.framework.isolation.shell import open_shell

        self._shell = open_shell(figures)
        self._hold(self._shell.user_ns)
        sys.path.append(str(Path.cwd()))
        library.begin()
        return {"happened": None}

    def do_cell(self, source: str, cell_id: str | None, names: list[str]) -> dict:
        """Runs a notebook cell; the reply holds its outputs, which of `names` it bound, and whether and where it raised."""
        before = [self._namespace.get(name) for name in names]
        error, outputs = self._shell.run(source, cell_id)
        bound = [name for name, value in zip(names, before, strict=True) if self._namespace.get(name) is not value]
        return {"happened": None if error is None else Happening.of(error).as_dict(), "outputs": outputs, "bound": bound}

    def do_stand_in(self, names: list[str]) -> dict:
        """From now on these names are the reference's: the learner's own ended an earlier process."""
        self._namespace.update({name: reference.COMPONENTS[name] for name in names})
        return {"happened": None}

    def do_defined(self, names: list[str]) -> dict:
        """Which of `names` the learner's code defines, other than as the reference's own."""
        return {"defined": self._exchange.own(names)}

    def do_has(self, name: str) -> dict:
        """Whether the learner's namespace has `name` at all."""
        return {"has": name in self._namespace}

    def do_exchange(self, names: list[str]) -> dict:
        """Puts the reference's components in the place of these names, and takes earlier exchanges back."""
        self._exchange.put(names)
        return {"happened": None}

    def do_perform(self, component: str, procedure: str, args: list) -> dict:
        """Performs a procedure on the answer."""
        if component not in self._components:  # asked for hundreds of times: the manifest is read once
            self._components[component] = find(component)
        judged = self._components[component]
        with usual():
            torch.default_generator.manual_seed(0)  # a mark is not a matter of luck
            return procedures.perform(
                self._namespace[component], procedure, args,
                forbids=judged.forbids, component_name=component, earlier=judged.earlier,
            )  # fmt: skip

    def do_performs(self, component: str, requests: list[dict]) -> dict:
        """Performs several procedures, and says nothing of what comes out of a right answer."""
        return {"happened": None, "replies": [self.do_perform(component, **request) for request in requests]}

"""The shell in which a submission's cells run: what they show is kept, in the form in which a notebook stores it.

It takes what a kernel takes, and shows what one shows; `tests/test_shell.py` holds the two side by side. Nothing that a learner
sets for a display changes a mark: points never go this way.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import getpass
import inspect
import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from IPython.core import page
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.paths import get_ipython_dir
from traitlets import Type
from traitlets.config import Config

from autograder.framework.isolation.outputs import MOST_CHARACTERS, Displays, Outputs

_STREAMS = {"stdout": 1, "stderr": 2}  # and their file descriptors
# A kernel's own, or some that it has otherwise: there is no window, no editor and no connection here.
_WITHOUT_EFFECT = (
    "autosave", "clear", "connect_info", "ed", "edit", "less", "man", "more", "qtconsole", "subshell",
)  # fmt: skip


class _Descriptors:
    """What goes past `sys.stdout` and `sys.stderr` while a cell runs: the output of programs, of forks, of libraries in C.

    Two files take it up, since a pipe would need a thread that reads, and a process with threads cannot be forked.
    """

    def __init__(self) -> None:
        self._nowhere = os.open(os.devnull, os.O_RDWR)
        self._files = {name: _appended() for name in _STREAMS}
        self._read = dict.fromkeys(_STREAMS, 0)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Within it the two descriptors lead to the files, elsewhere nowhere."""
        try:
            for name, number in _STREAMS.items():
                os.dup2(self._files[name].fileno(), number)
            yield
        finally:
            for number in _STREAMS.values():
                os.dup2(self._nowhere, number)

    def read(self) -> Iterator[tuple[str, str]]:
        """What has come since the last time: the name of a stream, and text."""
        for name, file in self._files.items():
            size = os.fstat(file.fileno()).st_size
            if size != self._read[name]:
                file.seek(self._read[name])
                yield name, file.read(MOST_CHARACTERS + 1).decode("utf-8", "replace")
                if size > MOST_CHARACTERS:
                    file.truncate(0)
                    size = 0
                self._read[name] = size


def _appended() -> BinaryIO:
    """A file without a name, to whose end everybody writes."""
    handle, name = tempfile.mkstemp()
    os.close(handle)
    file = open(name, "a+b", buffering=0)
    with contextlib.suppress(OSError):  # Windows keeps the name as long as the file is open
        os.unlink(name)
    return file


class _Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of the cells. A fork of the process writes to the descriptor."""

    encoding = "UTF-8"
    errors = None

    def __init__(self, name: str, shell: GradingShell) -> None:
        self.name, self._shell, self._process = name, shell, os.getpid()

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if os.getpid() == self._process:
            self._shell.shown().stream(self.name, text)
        else:
            os.write(self.fileno(), text.encode("utf-8", "replace"))
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _STREAMS[self.name]


class _Publisher(DisplayPublisher):
    def publish(
        self,
        data: dict,
        metadata: dict | None = None,
        source: object = None,
        *,
        transient: dict | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        outputs: Outputs = self.shell.shown()
        id = (transient or {}).get("display_id")
        if update and id is not None:
            outputs.update(id, data, metadata)
        else:
            outputs.bundle("display_data", data, metadata, id=id)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.shown().clear(wait)


class _Results(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        GradingShell.instance().shown().bundle("execute_result", format_dict, md_dict, self.prompt_count)

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Compiler(CachingCompiler):
    def cache(self, *arguments: Any, **options: Any) -> str:
        """Says at once of which module a cell's code is: a traceback would look through all modules, for each of its frames."""
        name = super().cache(*arguments, **options)
        inspect.modulesbyfile[inspect.getabsfile(_nothing, name)] = "__main__"
        return name


class _Transformers(TransformerManager):
    """IPython's own, which split each cell into tokens to look for magics, and here do so only where there may be one."""

    # A first character of a line, a character after what assigns, help at the end of a line; tabs that indent.
    _PERHAPS = re.compile(r"^\s*[!%,;/]|[=\\]\s*[!%]|\?|^ *\t", re.MULTILINE)

    def __init__(self) -> None:
        super().__init__()
        self._ours = list(self.token_transformers)

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        plain = self.token_transformers == self._ours and not self._PERHAPS.search("".join(lines)) and _steps_fit(lines)
        return lines if plain else super().do_token_transforms(lines)


def _steps_fit(lines: Iterable[str]) -> bool:
    """Whether each line that is indented less than the one before it goes back to an indentation above: else no token is read."""
    steps = [0]
    for line in lines:
        step = len(line) - len(line.lstrip(" "))
        if line.isspace():
            continue
        if step > steps[-1]:
            steps.append(step)
        while step < steps[-1]:
            steps.pop()
        if step != steps[-1]:
            return False
    return True


class GradingShell(InteractiveShell):
    """An IPython shell without a terminal and without a front end."""

    compiler_class = Type(_Compiler)
    displayhook_class = Type(_Results)
    display_pub_class = Type(_Publisher)

    _process = 0  # whose all that is which `_settle` makes

    def __init__(self, **options: Any) -> None:
        self._displays = Displays()
        self._outputs = Outputs(self._displays)
        super().__init__(**options)
        self.input_transformer_manager = _Transformers()

    def _settle(self) -> None:
        """What no two processes can share. The first cell makes it, since a shell may be opened before a fork."""
        self._process = os.getpid()
        self._descriptors = _Descriptors()
        self._own: tuple[Any, Any] = (_Stream("stdout", self), _Stream("stderr", self))
        self._loop = asyncio.new_event_loop()
        self.user_ns["_dh"][:] = [Path.cwd()]  # where `%cd -` leads
        builtins.input, getpass.getpass = _asking("raw_input"), _asking("getpass")
        sys.breakpointhook = _nothing  # a kernel's would go to a debugger that is attached, and none is

    def init_hooks(self) -> None:
        """Help texts go to a pager, and there is none."""
        super().init_hooks()
        self.set_hook("show_in_pager", page.as_hook(_nothing), 99)

    def enable_gui(self, gui: str | None = None) -> None:
        """Takes `%gui` and `%matplotlib qt`: there is no window to open, and nothing fails for that."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
        """Takes every `%matplotlib`; figures stay as they are kept here."""
        return "inline", "inline"

    def ask_exit(self) -> None:
        """Takes `exit` and `quit`: the cells below run on."""

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.shown().error(etype.__name__, str(evalue), stb)

    def shown(self) -> Outputs:
        """The outputs of the cell, with all that has been written until now."""
        if self._process:
            for name, text in self._descriptors.read():
                self._outputs.stream(name, text)
        return self._outputs

    @contextlib.contextmanager
    def _streams(self) -> Iterator[None]:
        """The streams of the cells. What a learner puts in their place stays there for the cells below."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._own
        try:
            with self._descriptors.taken():
                yield
                self.shown()
        finally:
            self._own = sys.stdout, sys.stderr
            sys.stdout, sys.stderr = before

    def run(self, source: str, cell_id: str | None = None) -> tuple[BaseException | None, list[dict]]:
        """Runs a cell: (what it raised or None, its outputs, those of the cells before that it has changed)."""
        if self._process != os.getpid():
            self._settle()
        self._displays.begin()
        self._outputs = Outputs(self._displays)
        with self._streams():
            asyncio.set_event_loop(self._loop)
            try:
                outcome = self._loop.run_until_complete(self._run(source, cell_id))
            except BaseException as error:  # noqa: BLE001 (what the event loop hands on is the cell's)
                self.showtraceback()
                return error, self._all()
        return outcome.error_before_exec or outcome.error_in_exec, self._all()

    def _all(self) -> list[dict]:
        return [*self._outputs.entries, *self._displays.updates()]

    async def _run(self, source: str, cell_id: str | None) -> ExecutionResult:
        """As a kernel runs a cell: while an event loop is running, so that the top level may await and start tasks."""
        problem = None
        try:
            transformed = self.transform_cell(source)
        except Exception:  # noqa: BLE001 (a learner's own transformation may raise anything)
            transformed, problem = source, sys.exc_info()
        outcome = await self.run_cell_async(
            source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=problem, cell_id=cell_id
        )
        self.events.trigger("post_execute")
        self.events.trigger("post_run_cell", outcome)
        return outcome


def open_shell(figures: bool) -> GradingShell:
    """The shell of this process; with `figures` the pictures of matplotlib are among a cell's outputs."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = GradingShell.instance(config=config)
    shell.ipython_dir = get_ipython_dir()  # of the learner's process, where the fork server has opened the shell
    for name in _WITHOUT_EFFECT:
        shell.magics_manager.register_function(_nothing, "line", name)
    shell.magics_manager.register_lazy("store", "IPython.extensions.storemagic")  # a kernel loads it at its start
    if figures:
        InteractiveShell.enable_matplotlib(shell, "inline")
    return shell


def _nothing(*_: object, **__: object) -> None:
    """Stands for what needs a person or a window."""


def _asking(name: str) -> Callable[..., str]:
    """What a kernel without a person at it has in the place of a function that asks one."""

    def asked(*_: object, **__: object) -> str:
        raise StdinNotImplementedError(f"{name} was called, but this frontend does not support input requests.")

    return asked

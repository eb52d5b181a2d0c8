"""The shell in which a submission's cells run: what they show is kept, in the form in which a notebook stores it.

It takes the magics that a kernel takes. Nothing that a learner sets for a display changes a mark: points never go this way.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.paths import get_ipython_dir
from traitlets import Type
from traitlets.config import Config

_MOST_CHARACTERS = 200_000  # of what one cell prints
_MOST_BUNDLE = 4_000_000  # of one picture or table


class Outputs:
    """What one cell shows, as a notebook's `outputs`."""

    def __init__(self) -> None:
        self.entries: list[dict] = []
        self._room = _MOST_CHARACTERS
        self._by_display: dict[str, dict] = {}

    def stream(self, name: str, text: str) -> None:
        """Text on stdout or stderr; what follows text of the same stream joins it."""
        text = text[: max(self._room, 0)]
        self._room -= len(text)
        if self._room == 0 and text:
            text, self._room = text + "\n… (the rest is left out)\n", -1
        last = self.entries[-1] if self.entries else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        elif text:
            self.entries.append({"output_type": "stream", "name": name, "text": text})

    def bundle(self, kind: str, data: dict, metadata: dict | None, count: int | None = None, id: str | None = None) -> None:
        """A display or a result."""
        kept = {mime: _stored(value) for mime, value in data.items()}
        if sum(len(str(value)) for value in kept.values()) > _MOST_BUNDLE:
            kept = {"text/plain": "(an output that is too large to keep)"}
        entry: dict[str, Any] = {"output_type": kind, "data": kept, "metadata": _plain_metadata(metadata)}
        if kind == "execute_result":
            entry["execution_count"] = count
        if id is not None:
            self._by_display[id] = entry
        self.entries.append(entry)

    def update(self, id: str, data: dict) -> None:
        """What a display with this id shows from now on."""
        if id in self._by_display:
            self._by_display[id]["data"] = {mime: _stored(value) for mime, value in data.items()}

    def error(self, kind: str, message: str, traceback: list[str]) -> None:
        self.entries.append(
            {"output_type": "error", "ename": kind, "evalue": message[:2000], "traceback": [str(line) for line in traceback]}
        )

    def clear(self) -> None:
        self.entries.clear()
        self._by_display.clear()


def _stored(value: Any) -> Any:
    """Pictures as base64, the rest as it is where JSON can hold it."""
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    return value if isinstance(value, str | dict | list | int | float | bool | None) else repr(value)


def _plain_metadata(metadata: dict | None) -> dict:
    """Sizes of pictures and the like. `course` is ours alone: a submission's own is left out."""
    return {key: value for key, value in (metadata or {}).items() if isinstance(key, str) and key != "course"}


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, name: str, outputs: Outputs) -> None:
        self._name, self._outputs = name, outputs

    def write(self, text: str) -> int:
        self._outputs.stream(self._name, str(text))
        return len(text)

    def writable(self) -> bool:
        return True


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
        outputs: Outputs = self.shell.outputs
        id = (transient or {}).get("display_id")
        if update and id is not None:
            outputs.update(id, data)
        else:
            outputs.bundle("display_data", data, metadata, id=id)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear()


class _Results(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        outputs: Outputs = GradingShell.instance().outputs
        outputs.bundle("execute_result", format_dict, md_dict, self.prompt_count)

    def finish_displayhook(self) -> None:
        self._is_active = False


class GradingShell(InteractiveShell):
    """An IPython shell without a terminal and without a front end."""

    displayhook_class = Type(_Results)
    display_pub_class = Type(_Publisher)
    outputs: Outputs

    def __init__(self, **options: Any) -> None:
        self.outputs = Outputs()
        super().__init__(**options)

    def enable_gui(self, gui: str | None = None) -> None:
        """Takes `%gui` and `%matplotlib qt`: there is no window to open, and nothing fails for that."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
        """Takes every `%matplotlib`; figures stay as they are kept here."""
        return "inline", "inline"

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.outputs.error(etype.__name__, str(evalue), stb)

    @contextlib.contextmanager
    def _streams(self) -> Iterator[None]:
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream("stdout", self.outputs), _Stream("stderr", self.outputs)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before

    def run(self, source: str, cell_id: str | None = None) -> tuple[BaseException | None, list[dict]]:
        """Runs a cell: (what it raised or None, its outputs)."""
        self.outputs = Outputs()
        with self._streams():
            outcome = self.run_cell(source, store_history=True, cell_id=cell_id)
        return outcome.error_before_exec or outcome.error_in_exec, self.outputs.entries


def open_shell(figures: bool) -> GradingShell:
    """The shell of this process; with `figures` the pictures of matplotlib are among a cell's outputs."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = GradingShell.instance(config=config)
    shell.ipython_dir = get_ipython_dir()  # of the learner's process, where the fork server has opened the shell
    for name in ("connect_info", "qtconsole", "autosave", "edit", "man", "less", "more", "clear"):
        if name not in shell.magics_manager.magics["line"]:
            shell.magics_manager.register_function(_nothing, "line", name)  # a kernel's own: there is no window here
    if figures:
        InteractiveShell.enable_matplotlib(shell, "inline")
    return shell


def _nothing(line: str) -> None:
    """A magic that does nothing with the rest of its line."""

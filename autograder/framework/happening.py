"""What happened when a learner's code ran: one type, and the one function that puts it into words."""

from __future__ import annotations

import builtins
import linecache
import sysconfig
import traceback
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

_GRADER = Path(__file__).resolve().parents[1]
_PATHS = sysconfig.get_paths()
OURS = (str(_GRADER), str(_GRADER.parent / "utils"), _PATHS["purelib"], _PATHS["stdlib"])
MOST = 500  # characters of a learner's error message, of its line of code


class What(StrEnum):
    """The kinds of things that end a run of a learner's code."""

    STUB = "stub"
    NO_FORWARD = "no-forward"
    RAISED = "raised"
    UNREADABLE = "unreadable"
    EXIT = "exit"
    MEMORY = "memory"
    PROCESSES = "processes"
    TIMEOUT = "timeout"
    ENDED = "ended"
    BROKE_CONNECTION = "broke-connection"


@dataclass(frozen=True)
class Happening:
    """`error` is the type of the exception, `line` and `text` the last line of the learner's own code that it passed through.

    `gone` is true where the process of the answer can no longer be asked.
    """

    what: What
    error: str = ""
    message: str = ""
    line: int | None = None
    text: str | None = None
    seconds: float = 0.0
    gone: bool = False

    @classmethod
    def of(cls, error: BaseException) -> Happening:
        """The happening that an exception is."""
        line, text = _place(error)
        message = str(error)[:MOST]
        return cls(_what(error, message), type(error).__name__[:MOST], message, line, text and text[:MOST])

    @classmethod
    def from_dict(cls, entries: dict) -> Happening:
        """The happening that `as_dict` described on the other side of a pipe. `ValueError` or `TypeError` where none is."""
        return cls(**{**entries, "what": What(entries["what"])})

    def as_dict(self) -> dict:
        return {**asdict(self), "what": self.what.value}

    @property
    def cause(self) -> str:
        """What tells one error from another of the same type."""
        return f"{self.error}: {self.message.splitlines()[0] if self.message else ''}"


STUB = "Your turn: replace this line."
"""What the stub of an exercise raises as a `NotImplementedError` (`code_stub` in nbgrader_config.py)."""


def _what(error: BaseException, message: str) -> What:
    if isinstance(error, NotImplementedError) and message in (STUB, ""):
        return What.STUB
    if "_forward_unimplemented" in message or 'is missing the required "forward" function' in message:
        return What.NO_FORWARD
    if isinstance(error, SystemExit):
        return What.EXIT
    if isinstance(error, SyntaxError):
        return What.UNREADABLE
    if isinstance(error, MemoryError) or "can't allocate memory" in message:
        return What.MEMORY
    return What.RAISED


def _place(error: BaseException) -> tuple[int | None, str | None]:
    if isinstance(error, SyntaxError):
        return error.lineno, (error.text or "").strip()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        ours = frame.filename.startswith((*OURS, "<frozen")) or "site-packages" in frame.filename
        if not ours:
            return frame.lineno, linecache.getline(frame.filename, frame.lineno or 0).strip() or frame.line
    return None, None


def sentence(happening: Happening, subject: str = "Your code") -> str:
    """What happened, for the learner. `subject` is what ran: "Your code", "The file", "The notebook"."""
    line = f" at line {happening.line}" if happening.line else ""
    where = f"{line}: `{happening.text}`" if happening.text else line
    message = happening.message or "(no message)"
    match happening.what:
        case What.STUB:
            return "Nothing is here yet: write your version where the cell says so, run the cell, then run its check."
        case What.NO_FORWARD:
            return "The class has no method `forward`: is its name misspelt, or does it stand a level too deep?"
        case What.UNREADABLE:
            return f"Python cannot read {subject[:1].lower()}{subject[1:]}{where} ({message})."
        case What.EXIT:
            return f"{subject} calls exit(){line}: an answer returns its result and leaves the process running."
        case What.MEMORY:
            return (
                f"{subject} asked for more memory than an answer may have{line}: "
                "does a loop or a shape grow without end?"
            )  # fmt: skip
        case What.PROCESSES:
            return f"{subject} started more processes than an answer may have: does it start them in a loop?"
        case What.TIMEOUT:
            return f"{subject} did not finish within {happening.seconds:g} seconds: does a loop never end?"
        case What.ENDED:
            return f"{subject} ended the whole Python process (os._exit, a signal or a crash): an answer only returns."
        case What.BROKE_CONNECTION:
            return f"{subject} broke the connection to the checker ({message})."
        case What.RAISED:
            kind = happening.error if hasattr(builtins, happening.error) else f"the error {happening.error}"
            end = "" if message.endswith((".", "!", "?")) else "."
            at = f" The line is{line.removeprefix(' at')}: `{happening.text}`" if happening.text else ""
            return f"{subject} raised {kind}: {message}{end}{at}"

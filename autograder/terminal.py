"""What is printed arrives on any terminal."""

import codecs
import contextlib
import sys

_PLAIN = {"“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "–": "-", "—": "-", "−": "-", "→": "->", "·": "*", "×": "x"}


def speak_plainly() -> None:
    """Signs that a terminal's encoding lacks become plain ones or "?", and end no command."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a stream of somebody else's, such as a notebook's
            stream.reconfigure(errors="plain")  # type: ignore[union-attr]


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end
